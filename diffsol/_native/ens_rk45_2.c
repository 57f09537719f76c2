/* ens_rk45_2.c - RK45 of ensembles, 2 lanes (SSE2, NEON). */
#include "ens_core.h"
#if DS_ENS_WIDEST >= 2
#define DS_LANES 2
#include "ens_isa.h"
#include "tables/rk45.h"
#define DS_ENS_INSTANCE ds_ens_rk45_2
#include "ens_erk.h"
#endif
