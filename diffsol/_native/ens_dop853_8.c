/* ens_dop853_8.c - DOP853 of ensembles, 8 lanes (AVX-512). */
#include "ens_core.h"
#if DS_ENS_WIDEST >= 8
#define DS_LANES 8
#include "ens_isa.h"
#include "tables/dop853.h"
#define DS_ENS_INSTANCE ds_ens_dop853_8
#include "ens_erk.h"
#endif
