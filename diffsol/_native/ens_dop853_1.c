/* ens_dop853_1.c - DOP853 of ensembles, one trajectory at a time. */
#include "ens_core.h"
#define DS_LANES 1
#include "ens_isa.h"
#include "tables/dop853.h"
#define DS_ENS_INSTANCE ds_ens_dop853_1
#include "ens_erk.h"
