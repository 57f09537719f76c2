/* problem.h - a solver's options in the form that the step headers take. */
#ifndef DS_PROBLEM_H
#define DS_PROBLEM_H
#include "ivp.h"

static inline ds_problem ds_problem_of(const ds_ivp *ivp) {
    const ds_problem problem = {
        .n = ivp->n,
        .rtol = ivp->rtol,
        .atol = ivp->atol,
        .rtol_stride = ivp->rtol_stride,
        .atol_stride = ivp->atol_stride,
        .t_bound = ivp->t_bound,
        .direction = ivp->direction,
        .max_step = ivp->max_step,
    };
    return problem;
}
#endif
