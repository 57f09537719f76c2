/* inst_rk45.c - RK45 for real and for complex states. */
#include "ivp.h"
#include "tables/rk45.h"

#define DS_COMPLEX 0
#define DS_INSTANCE ds_rk45_real
#include "inst_erk.h"

#define DS_COMPLEX 1
#define DS_INSTANCE ds_rk45_complex
#include "inst_erk.h"
