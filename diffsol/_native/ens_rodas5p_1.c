/* ens_rodas5p_1.c - Rodas5P of ensembles, one trajectory at a time. */
#include "ens_core.h"
#define DS_LANES 1
#include "ens_isa.h"
#include "tables/rodas5p.h"
#define DS_ENS_INSTANCE ds_ens_rodas5p_1
#include "ens_rosenbrock.h"
