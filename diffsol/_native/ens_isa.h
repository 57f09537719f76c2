/* ens_isa.h - the instructions that an instance of DS_LANES lanes is written in: all that follows
 * in its file, which runs only where ds_cpu_lanes() allows. */
#ifndef DS_ENS_ISA_H
#define DS_ENS_ISA_H
#if DS_LANES == 8
#pragma GCC target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")
#elif DS_LANES == 4
#pragma GCC target("avx2")
#elif DS_LANES == 1 && defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-vectorize") /* for the reason in scalar_code.h; Lorenz: 10 % */
#endif
#endif
