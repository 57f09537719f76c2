/* inst_rk23.c - RK23 for real and for complex states. */
#include "ivp.h"
#include "tables/rk23.h"

#define DS_COMPLEX 0
#define DS_INSTANCE ds_rk23_real
#include "inst_erk.h"

#define DS_COMPLEX 1
#define DS_INSTANCE ds_rk23_complex
#include "inst_erk.h"
