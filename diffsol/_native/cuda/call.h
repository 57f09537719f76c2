/* call.h - evaluations of a trajectory's functions, and the method's step header bound to them: to
 * DS_STEP(name), whether it is an explicit method or a Rosenbrock one (DS_STIFF). */
typedef struct {
    const ds_arguments *a;
    V *q;
    M trapped; /* a function gave up since this was set to 0 */
} ds_call;

DS_FN int ds_derivative(ds_call *call, T t, const V *y, V *out) {
    const V time = (V)t;
    const R *p = DS_PARAMS ? call->a->near_params : call->a->params;
    call->trapped |= ds_fun(&time, y, out, p, call->q);
    return 0;
}

#if DS_EVENTS
DS_FN void ds_event_values(ds_call *call, T t, const V *y, V *out) {
    const V time = (V)t;
    const R *p = DS_EVENT_PARAMS ? call->a->near_event_params : call->a->event_params;
    call->trapped |= ds_events(&time, y, out, p, call->q);
}
#endif

#define DS_ROOT(x, k) ds_thread_root(x, k)
#ifdef DS_SINGLE
DS_FN V ds_thread_root(V x, int k) { return ds_pow(x, DS_C(1) / DS_C(k)); }
#else
#include "ds_root.h"
DS_FN V ds_thread_root(V x, int k) { return ds_root(x, k); }
#endif

#define DS_STEP(name) ds_step_##name
#define DS_RHS(call, end, t, y, out) ((void)(end), ds_derivative(call, t, y, out))
#if DS_STIFF
DS_FN int ds_jacobian(ds_call *call, T t, const V *y, V *J, V *f_t) {
    const V time = (V)t;
    const R *p = DS_PARAMS ? call->a->near_params : call->a->params;
    call->trapped |= ds_jac(&time, y, J, p, call->q);
#if DS_HAS_DFDT
    call->trapped |= ds_dfdt(&time, y, f_t, p, call->q);
#else
    for (int i = 0; i < DS_N; ++i) f_t[i] = DS_C(0);
#endif
    return 0;
}
#define DS_JACOBIAN(call, t, y, J, f_t) ds_jacobian(call, t, y, J, f_t)
#define DS_ROS(name) DS_STEP(name)
#define DS_ROS_CONTEXT ds_call *
#define DS_STEP_K_SIZE(n) DS_ROS_SIZE(n)
#define DS_STEP_F_AT(n) 0 /* each trial evaluates it */
#define DS_STEP_DENSE_ROWS DS_ROS_DENSE_COUNT
#define DS_STEP_ERROR_ORDER DS_ROS_ERROR_ORDER
#define DS_STEP_TRIAL_CALLS DS_ROS_STAGE_COUNT
#define DS_STEP_DENSE_CALLS 0
#include "step_rosenbrock.h"
#else
#define DS_COMPLEX 0
#define DS_ERK(name) DS_STEP(name)
#define DS_ERK_CONTEXT ds_call *
#define DS_STEP_K_SIZE(n) ((n) * DS_ERK_ROW_COUNT)
#define DS_STEP_F_AT(n) ((n) * DS_ERK_STAGE_COUNT)
#define DS_STEP_DENSE_ROWS DS_ERK_DENSE_COUNT
#define DS_STEP_ERROR_ORDER DS_ERK_ERROR_ORDER
#define DS_STEP_TRIAL_CALLS DS_ERK_STAGE_COUNT
#define DS_STEP_DENSE_CALLS DS_ERK_EXTRA_COUNT
#include "step_erk.h"
#endif
#define DS_OUTPUTS (DS_SAVES || DS_EVENTS)
