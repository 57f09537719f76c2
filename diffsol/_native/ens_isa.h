/* ens_isa.h - the instructions that an instance of DS_LANES lanes is written in. What follows in
 * the file belongs to it and runs only where ds_cpu_lanes() allows. */
#ifndef DS_ENS_ISA_H
#define DS_ENS_ISA_H
#if DS_LANES == 8
#pragma GCC target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")
#elif DS_LANES == 4
#pragma GCC target("avx2")
#endif
#endif
