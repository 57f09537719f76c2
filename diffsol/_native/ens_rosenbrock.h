/* ens_rosenbrock.h - a Rosenbrock method in lanes, from the same things as ens_erk.h. */
#define DS_PASTE2(a, b) a##_##b
#define DS_PASTE(a, b) DS_PASTE2(a, b)
#define DS_ENS(name) DS_PASTE(DS_ENS_INSTANCE, name)
#define DS_ROS(name) DS_ENS(name)
#define DS_ROS_CONTEXT ds_ens_call *
#define DS_RHS(call, end, t, y, out) ((void)(end), ds_ens_derivative(call, t, y, out))
#define DS_JACOBIAN(call, t, y, J, f_t) ds_ens_jacobian(call, t, y, J, f_t)
#define DS_ENS_K_SIZE(n) DS_ROS_SIZE(n)
#define DS_ENS_F_AT(n) 0 /* each trial evaluates it */
#define DS_ENS_DENSE_ROWS DS_ROS_DENSE_COUNT
#define DS_ENS_ERROR_ORDER DS_ROS_ERROR_ORDER
#define DS_ENS_TRIAL_CALLS DS_ROS_STAGE_COUNT
#define DS_ENS_DENSE_CALLS 0
#include "ens_call.h"
#include "include/step_rosenbrock.h"
#include "ens_lanes.h"
#include "ens_queue.h"
#include "ens_outputs.h"
#include "ens_run.h"
