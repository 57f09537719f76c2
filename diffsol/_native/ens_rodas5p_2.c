/* ens_rodas5p_2.c - Rodas5P of ensembles, 2 lanes (SSE2, NEON). */
#include "ens_core.h"
#if DS_ENS_WIDEST >= 2
#define DS_LANES 2
#include "ens_isa.h"
#include "tables/rodas5p.h"
#define DS_ENS_INSTANCE ds_ens_rodas5p_2
#include "ens_rosenbrock.h"
#endif
