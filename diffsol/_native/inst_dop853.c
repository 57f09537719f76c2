/* inst_dop853.c - DOP853 for real and for complex states. */
#include "ivp.h"
#include "tables/dop853.h"

#define DS_COMPLEX 0
#define DS_INSTANCE ds_dop853_real
#include "inst_erk.h"

#define DS_COMPLEX 1
#define DS_INSTANCE ds_dop853_complex
#include "inst_erk.h"
