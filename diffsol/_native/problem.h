/* problem.h - a solver's options in the form that the step headers take. */
#ifndef DS_PROBLEM_H
#define DS_PROBLEM_H
#include "ivp.h"

static inline ds_problem ds_problem_of(const ds_ivp *ivp) {
    const ds_problem problem = {
        .n = ivp->n,
        .n_states = ivp->n_states,
        .n_tested = ivp->sens_control ? ivp->n : ivp->n_states,
        .rtol = ivp->rtol,
        .atol = ivp->atol,
        .rtol_stride = ivp->rtol_stride,
        .atol_stride = ivp->atol_stride,
        .t_bound = ivp->t_bound,
        .direction = ivp->direction,
        .max_step = ivp->max_step,
        .columns_noise = ivp->columns_noise,
    };
    return problem;
}

/* What a trial of an implicit method has come to; flags of its arithmetic are not the next
 * kernel's. `state` is a ds_bdf * or a ds_radau *. */
#define DS_KEEP_TRIAL(solver, state)                 \
    do {                                             \
        if (ds_flags_raised()) ds_flags_clear();     \
        (solver)->trial_h_abs = (state)->h_abs;      \
        (solver)->trial_h = (state)->h;              \
        (solver)->trial_t = (state)->t_new;          \
        (solver)->trial_accepted = (state)->accepted; \
        (solver)->trial_clipped = (state)->clipped;  \
        (solver)->trial_failed = (state)->failed;    \
    } while (0)
#endif
