/* ens_rodas5p_4.c - Rodas5P of ensembles, 4 lanes (AVX2). */
#include "ens_core.h"
#if DS_ENS_WIDEST >= 4
#define DS_LANES 4
#include "ens_isa.h"
#include "tables/rodas5p.h"
#define DS_ENS_INSTANCE ds_ens_rodas5p_4
#include "ens_rosenbrock.h"
#endif
