/* ens_erk.h - an explicit Runge-Kutta method in lanes. The includer has read ens_core.h, defines
 * DS_LANES, reads ens_isa.h and the coefficient header, and defines DS_ENS_INSTANCE, the name of
 * the ds_ens_core that this file defines. */
#define DS_PASTE2(a, b) a##_##b
#define DS_PASTE(a, b) DS_PASTE2(a, b)
#define DS_ENS(name) DS_PASTE(DS_ENS_INSTANCE, name)
#define DS_ERK(name) DS_ENS(name)
#define DS_ERK_CONTEXT ds_ens_call *
#define DS_RHS(call, end, t, y, out) ((void)(end), ds_ens_derivative(call, t, y, out))
#define DS_COMPLEX 0
#define DS_ENS_K_SIZE(n) ((n) * DS_ERK_ROW_COUNT)
#define DS_ENS_F_AT(n) ((n) * DS_ERK_STAGE_COUNT)
#define DS_ENS_DENSE_ROWS DS_ERK_DENSE_COUNT
#define DS_ENS_ERROR_ORDER DS_ERK_ERROR_ORDER
#define DS_ENS_TRIAL_CALLS DS_ERK_STAGE_COUNT
#define DS_ENS_DENSE_CALLS DS_ERK_EXTRA_COUNT
#include "ens_call.h"
#include "include/step_erk.h"
#include "ens_lanes.h"
#include "ens_queue.h"
#include "ens_outputs.h"
#include "ens_run.h"
