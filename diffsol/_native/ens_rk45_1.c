/* ens_rk45_1.c - RK45 of ensembles, one trajectory at a time. */
#include "ens_core.h"
#define DS_LANES 1
#include "ens_isa.h"
#include "tables/rk45.h"
#define DS_ENS_INSTANCE ds_ens_rk45_1
#include "ens_erk.h"
