/* inst_bdf.c - BDF for real and for complex states. */
#include "ivp.h"

#define DS_COMPLEX 0
#define DS_INSTANCE ds_bdf_real
#include "inst_bdf.h"

#define DS_COMPLEX 1
#define DS_INSTANCE ds_bdf_complex
#include "inst_bdf.h"
