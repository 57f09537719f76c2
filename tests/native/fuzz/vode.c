/* vode.c - some calls of one VODE or ZVODE, each with its own task and times. */
#include "vode.h"
#include "user.h"

enum { MOST_CALLS = 400, MOST_RUNS = 6 };

typedef struct {
    ds_vode *vode;
    user u;
    structure matrix;
    double rtol[MOST_STATES], atol[MOST_STATES], state[MOST_WIDTH];
} solve;

static void take_options(input *in, solve *s) {
    static const int iterations[] = {0, 1, 3};
    ds_vode *vode = s->vode;
    vode->handle = &s->u;
    vode->python = ask_user;
    vode->state = s->state;
    vode->family = 1 + take_choice(in, 2);
    vode->iteration = iterations[take_choice(in, 3)];
    vode->order_max = (int)take_count_or(in, vode->family == 1 ? 12 : 5);
    vode->rtol_value = take_number_or(in, 1e-4);
    vode->atol_value = take_number_or(in, 1e-6);
    if (take_choice(in, 4) == 3) {
        take_numbers(in, s->rtol, vode->n);
        take_numbers(in, s->atol, vode->n);
        vode->rtol = s->rtol, vode->rtol_stride = 1;
        vode->atol = s->atol, vode->atol_stride = 1;
    }
    vode->h0 = take_number_or(in, 0);
    vode->h_max = take_number_or(in, 0);
    vode->h_min = take_number_or(in, 0);
    vode->step_max = take_count_or(in, 500);
    vode->jac_source = take_choice(in, 2) ? DS_JAC_GIVEN : DS_JAC_DIFFERENCES;
    if (take_choice(in, 2)) vode->fun.kernel = derivative_kernel;
    if (take_choice(in, 2)) vode->jac.kernel = jacobian_kernel;
    vode->fun.params = vode->jac.params = &s->u.system.width;
}

static void take_matrix(input *in, solve *s) {
    structure *m = &s->matrix;
    take_structure(in, m, s->vode->n, 0);
    s->u.system.entries = (double)m->pattern.count * (1 + s->vode->is_complex);
    if (m->plan.kind == DS_LU_DENSE) return;
    ds_vode_set_jacobian(s->vode, &m->pattern, &m->plan);
    ds_vode_set_band(s->vode, m->plan.lower, m->plan.upper);
}

static int run(input *in, ds_vode *vode, int anew) {
    const int task = 1 + take_choice(in, 3);
    const double t = anew ? take_number_or(in, 0) : vode->t, t_out = take_number_or(in, t + 1);
    int code = DS_RUNNING;
    for (int calls = 0; code == DS_RUNNING && calls < MOST_CALLS; ++calls) {
        code = ds_vode_run(vode, take_number_or(in, 1e-6), task, anew, t, t_out);
        if (take_choice(in, 8) == 1)
            vode->fun.kernel = vode->fun.kernel ? NULL : derivative_kernel;
    }
    return code;
}

void fuzz_vode(input *in) {
    const int is_complex = take_choice(in, 2);
    solve s = {.vode = ds_vode_new(take_choice(in, MOST_STATES + 1), is_complex)};
    if (!s.vode) return;
    take_user(in, &s.u, s.vode->n * (1 + is_complex), s.vode->n * s.vode->n * (1 + is_complex));
    take_options(in, &s);
    take_matrix(in, &s);
    for (int64_t i = 0; i < s.vode->n * (1 + is_complex); ++i) s.state[i] = take_number_or(in, 1);
    int anew = 1;
    for (int k = take_choice(in, MOST_RUNS); k >= 0; --k) {
        const int code = run(in, s.vode, anew);
        if (code == DS_RUNNING) break; /* a call must be ended before the next */
        anew = code != DS_FINISHED || take_choice(in, 4) == 3;
    }
    ds_vode_free(s.vode);
}
