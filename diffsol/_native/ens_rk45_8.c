/* ens_rk45_8.c - RK45 of ensembles, 8 lanes (AVX-512). */
#include "ens_core.h"
#if DS_ENS_WIDEST >= 8
#define DS_LANES 8
#include "ens_isa.h"
#include "tables/rk45.h"
#define DS_ENS_INSTANCE ds_ens_rk45_8
#include "ens_erk.h"
#endif
