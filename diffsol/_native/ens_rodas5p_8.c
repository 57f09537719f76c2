/* ens_rodas5p_8.c - Rodas5P of ensembles, 8 lanes (AVX-512). */
#include "ens_core.h"
#if DS_ENS_WIDEST >= 8
#define DS_LANES 8
#include "ens_isa.h"
#include "tables/rodas5p.h"
#define DS_ENS_INSTANCE ds_ens_rodas5p_8
#include "ens_rosenbrock.h"
#endif
