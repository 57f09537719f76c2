/* inst_bdf_columns.c - BDF for a state with sensitivity columns: an instance of its own, as a solve
 * without them would pay for their loops (2 % of Robertson's). */
#include "ivp.h"

#define DS_COLUMNS 1
#define DS_COMPLEX 0
#define DS_INSTANCE ds_bdf_columns
#include "inst_bdf.h"
