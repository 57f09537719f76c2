/* ens_rk45_4.c - RK45 of ensembles, 4 lanes (AVX2). */
#include "ens_core.h"
#if DS_ENS_WIDEST >= 4
#define DS_LANES 4
#include "ens_isa.h"
#include "tables/rk45.h"
#define DS_ENS_INSTANCE ds_ens_rk45_4
#include "ens_erk.h"
#endif
