/* odeint.c - LSODA over a grid, over several, and from call to call. */
#include "odeint.h"
#include "user.h"

enum { MOST_TIMES = 12, MOST_CRITICAL = 4, MOST_CALLS = 400, MOST_GRIDS = 3 };

typedef struct {
    ds_odeint *grid;
    user u;
    structure matrix;
    double rtol[MOST_STATES], atol[MOST_STATES], state[MOST_STATES];
    double times[MOST_TIMES], critical[MOST_CRITICAL], rows[MOST_TIMES * MOST_STATES];
    double floats[4 * MOST_TIMES];
    int32_t ints[5 * MOST_TIMES];
} solve;

static void take_options(input *in, solve *s) {
    ds_odeint *grid = s->grid;
    grid->handle = &s->u;
    grid->python = ask_user;
    grid->state = s->state;
    grid->rtol_value = take_number_or(in, 1e-4);
    grid->atol_value = take_number_or(in, 1e-6);
    if (take_choice(in, 4) == 3) {
        take_numbers(in, s->rtol, grid->n);
        take_numbers(in, s->atol, grid->n);
        grid->rtol = s->rtol, grid->rtol_stride = 1;
        grid->atol = s->atol, grid->atol_stride = 1;
    }
    grid->n_crit = take_choice(in, MOST_CRITICAL + 1);
    take_numbers(in, s->critical, grid->n_crit);
    grid->t_crit = s->critical;
    const double h0 = take_number_or(in, 0), h_max = take_number_or(in, 0);
    const double h_min = take_number_or(in, 0);
    const int64_t steps = take_count_or(in, 500), adams = take_count_or(in, 12);
    ds_odeint_set_limits(grid, h0, h_max, h_min, steps, (int)adams, (int)take_count_or(in, 5));
    if (take_choice(in, 2)) grid->fun.kernel = derivative_kernel;
    if (take_choice(in, 2)) grid->jac.kernel = jacobian_kernel;
    grid->fun.params = grid->jac.params = &s->u.system.width;
    grid->jac_source = take_choice(in, 2) ? DS_JAC_GIVEN : DS_JAC_DIFFERENCES;
    if (take_choice(in, 8) == 7) ds_odeint_only_kernels(grid);
}

static void take_matrix(input *in, solve *s) {
    structure *m = &s->matrix;
    take_structure(in, m, s->grid->n, 0);
    s->u.system.entries = (double)m->pattern.count;
    if (m->plan.kind == DS_LU_DENSE) return;
    ds_odeint_set_jacobian(s->grid, &m->pattern, &m->plan);
    ds_odeint_set_band(s->grid, m->plan.lower, m->plan.upper);
}

static void interfere(input *in, ds_odeint *grid) {
    switch (take_choice(in, 8)) {
    case 1: grid->fun.kernel = grid->fun.kernel ? NULL : derivative_kernel; return;
    case 2: grid->jac.kernel = grid->jac.kernel ? NULL : jacobian_kernel; return;
    default: return;
    }
}

static void over_a_grid(input *in, solve *s) {
    ds_odeint *grid = s->grid;
    const int64_t count = 1 + take_choice(in, MOST_TIMES - 1);
    take_numbers(in, s->times, count);
    for (int64_t i = 0; i < grid->n; ++i) s->rows[i] = take_number_or(in, 1);
    if (!ds_odeint_begin(grid, s->times, s->rows, count)) return;
    if (take_choice(in, 2)) ds_odeint_set_columns(grid, s->floats, s->ints, count - 1);
    int code = DS_RUNNING;
    for (int calls = 0; code == DS_RUNNING && calls < MOST_CALLS; ++calls) {
        code = ds_odeint_advance(grid, take_number_or(in, 1e-6));
        interfere(in, grid);
    }
    read_all(s->rows, (size_t)(grid->row * grid->n) * sizeof(double));
}

static void from_call_to_call(input *in, solve *s) {
    ds_odeint *grid = s->grid;
    double before[MOST_STATES], rwork[20 + (12 + 1) * MOST_STATES];
    int32_t iwork[20];
    double t = take_number_or(in, 0);
    grid->y = s->rows;
    for (int64_t i = 0; i < grid->n; ++i) s->state[i] = take_number_or(in, 1);
    for (int k = 0; k < 4; ++k) {
        const double t_out = take_number(in);
        int code = DS_RUNNING;
        for (int calls = 0; code == DS_RUNNING && calls < MOST_CALLS; ++calls)
            code = ds_odeint_run(grid, take_number_or(in, 1e-6), t, t_out);
        ds_odeint_before(grid, before);
        if (code != DS_FINISHED) return;
        ds_odeint_tell(grid, rwork, iwork);
        t = t_out;
    }
}

void fuzz_odeint(input *in) {
    solve s = {.grid = ds_odeint_new(take_choice(in, MOST_STATES + 1))};
    if (!s.grid) return;
    take_user(in, &s.u, s.grid->n, s.grid->n * s.grid->n);
    take_options(in, &s);
    take_matrix(in, &s);
    if (take_choice(in, 4) == 3)
        from_call_to_call(in, &s);
    else
        for (int k = take_choice(in, MOST_GRIDS); k >= 0; --k) over_a_grid(in, &s);
    ds_odeint_free(s.grid);
}
