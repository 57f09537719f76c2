/* inst_erk_columns.c - the explicit methods for a state with sensitivity columns: instances of their own, as
 * a solve without them would pay for their loops (6 % of Lorenz's by RK45). */
#include "ivp.h"

#define DS_COLUMNS 1

#include "tables/rk23.h"
#define DS_COMPLEX 0
#define DS_INSTANCE ds_rk23_columns
#include "inst_erk.h"

#include "tables/rk45.h"
#define DS_COMPLEX 0
#define DS_INSTANCE ds_rk45_columns
#include "inst_erk.h"

#include "tables/dop853.h"
#define DS_COMPLEX 0
#define DS_INSTANCE ds_dop853_columns
#include "inst_erk.h"
