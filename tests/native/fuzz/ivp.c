/* ivp.c - one solve of solve_ivp's methods, with whatever its caller may ask for on the way. */
#include "api.h"
#include "user.h"
#include <stdlib.h>

enum { MOST_TIMES = 12, MOST_EVENTS = 3, MOST_CALLS = 400 };

typedef struct {
    ds_ivp *ivp;
    user u;
    structure matrix, other;
    double rtol[MOST_WIDTH], atol[MOST_WIDTH], times[MOST_TIMES];
} solve;

static void take_options(input *in, solve *s) {
    ds_ivp *ivp = s->ivp;
    const int64_t width = ivp->n * (1 + ivp->is_complex);
    ivp->handle = &s->u;
    ivp->python = ask_user;
    ivp->t0 = take_number_or(in, 0);
    ivp->t_bound = take_number_or(in, 3);
    for (int64_t i = 0; i < width; ++i) ivp->y0[i] = take_number_or(in, 1);
    ivp->rtol_value = take_number_or(in, 1e-3);
    ivp->atol_value = take_number_or(in, 1e-6);
    if (take_choice(in, 4) == 3) {
        take_numbers(in, s->rtol, width);
        take_numbers(in, s->atol, width);
        ivp->rtol = s->rtol, ivp->rtol_stride = 1;
        ivp->atol = s->atol, ivp->atol_stride = 1;
    }
    ivp->max_step = take_number_or(in, 1e308);
    ivp->min_step = take_number_or(in, 0);
    ivp->first_step = take_number_or(in, 0);
    ivp->pause_at = take_count_or(in, 0);
    ivp->seconds_left = take_number_or(in, 0);
    ivp->dense = take_choice(in, 2);
    ivp->n_eval = take_choice(in, MOST_TIMES + 1);
    ivp->save_steps = take_choice(in, 2);
    take_numbers(in, s->times, ivp->n_eval);
    ivp->t_eval = s->times;
    if (take_choice(in, 2)) ivp->fun.kernel = derivative_kernel;
    ivp->fun.params = ivp->jac.params = &s->u.system.width;
}

/* As Jacobian.open does; also in the middle of a solve. */
static int set_structure(input *in, solve *s, structure *m) {
    ds_ivp *ivp = s->ivp;
    take_structure(in, m, ivp->n, ivp->method != DS_LSODA && !ivp->is_complex);
    s->u.system.entries = (double)m->pattern.count * (1 + ivp->is_complex);
    return ds_ivp_set_jacobian(ivp, &m->pattern, &m->plan);
}

static int take_jacobian(input *in, solve *s) {
    ds_ivp *ivp = s->ivp;
    const int code = set_structure(in, s, &s->matrix);
    const int banded = s->matrix.plan.kind == DS_LU_BANDED;
    ivp->lower = banded && ivp->method == DS_LSODA ? s->matrix.plan.lower : -1;
    ivp->upper = banded && ivp->method == DS_LSODA ? s->matrix.plan.upper : -1;
    ivp->jac_source = take_choice(in, 3);
    ivp->vectorized = take_choice(in, 2);
    ivp->sparse_as_given = take_choice(in, 2);
    if (take_choice(in, 4) == 3) ivp->jac_groups = s->matrix.groups, ivp->n_jac_groups = ivp->n;
    if (take_choice(in, 2)) ivp->jac.kernel = jacobian_kernel;
    return code;
}

static int take_events(input *in, solve *s) {
    ds_ivp *ivp = s->ivp;
    const int count = take_choice(in, MOST_EVENTS + 1);
    if (count == 0) return 0;
    if (ds_ivp_set_events(ivp, count)) return DS_NO_MEMORY;
    for (int i = 0; i < count; ++i) {
        ivp->event_direction[i] = take_number_or(in, 0);
        ivp->event_max[i] = take_number_or(in, 2);
        if (take_choice(in, 2)) ivp->events[i].kernel = event_kernel;
        ivp->events[i].params = &s->u.system.width;
        const int code = ds_call(ivp, 1 + i, DS_T_IS_FLOAT, ivp->t0, ivp->y, &ivp->g[i]);
        if (code) return code;
    }
    return 0;
}

/* What happens to a solve between two slices: kernels come and go, and so do structures. */
static int interfere(input *in, solve *s) {
    ds_ivp *ivp = s->ivp;
    const int implicit = ivp->method >= DS_RADAU;
    double *q;
    double memory[DS_MEMORY];
    switch (take_choice(in, 16)) {
    case 1: ivp->fun.kernel = ivp->fun.kernel ? NULL : derivative_kernel; return 0;
    case 2:
        if (!implicit) return 0;
        ivp->jac.kernel = ivp->jac.kernel ? NULL : jacobian_kernel;
        return ds_ivp_renew_jacobian(ivp);
    case 3:
        if (!implicit || ivp->lower >= 0) return 0;
        /* groups belong to a structure */
        ivp->jac_groups = NULL;
        s->matrix = s->other;
        return set_structure(in, s, &s->other) ? DS_NO_MEMORY : ds_ivp_renew_jacobian(ivp);
    case 4: ds_ivp_memory(ivp, memory); return 0;
    case 5:
        if (ivp->n_accepted == 0) return 0;
        q = malloc((size_t)ds_ivp_q_size(ivp) * sizeof(double) + 1);
        if (q) ds_ivp_dense(ivp, q);
        free(q);
        return 0;
    case 6: return ds_ivp_step(ivp);
    case 7: ivp->pause_at = take_count_or(in, ivp->n_accepted + 1); return 0;
    default: return 0;
    }
}

static void read_outputs(input *in, const ds_ivp *ivp) {
    const size_t number = sizeof(double), width = (size_t)ivp->n * (1 + ivp->is_complex);
    const size_t points = (size_t)ivp->n_points, records = (size_t)ivp->n_event_records;
    read_all(ivp->ts, points * number);
    read_all(ivp->ys, points * width * number);
    read_all(ivp->ev_index, records * sizeof(int64_t));
    read_all(ivp->ev_t, records * number);
    read_all(ivp->ev_y, records * width * number);
    if (!ivp->n_segments) return;
    read_all(ivp->seg_q, (size_t)ivp->seg_at[ivp->n_segments] * number);
    double times[MOST_TIMES], out[MOST_TIMES * MOST_WIDTH];
    int64_t index[MOST_TIMES];
    take_numbers(in, times, MOST_TIMES);
    for (int k = 0; k < MOST_TIMES; ++k) index[k] = take_byte(in) % ivp->n_segments;
    ds_dense_eval(ivp->method, ivp->n, ivp->is_complex, ivp->seg_t_old, ivp->seg_t, ivp->seg_y_old,
                  ivp->seg_q, ivp->seg_at, MOST_TIMES, times, index, out);
    read_all(out, MOST_TIMES * width * number);
}

void fuzz_ivp(input *in) {
    const int method = take_choice(in, DS_METHOD_COUNT), is_complex = take_choice(in, 4) == 3;
    solve s = {.ivp = ds_ivp_new(method, take_choice(in, MOST_STATES + 1), is_complex)};
    if (!s.ivp) return; /* Radau and LSODA have no complex form */
    take_user(in, &s.u, s.ivp->n * (1 + is_complex), 0);
    take_options(in, &s);
    int code = method >= DS_RADAU ? take_jacobian(in, &s) : 0;
    if (!code) code = ds_ivp_start(s.ivp);
    if (!code) code = take_events(in, &s);
    for (int calls = 0; code == DS_RUNNING && calls < MOST_CALLS; ++calls) {
        code = ds_ivp_advance(s.ivp, take_number_or(in, 1e-6));
        if (code == DS_RUNNING) code = interfere(in, &s);
    }
    read_outputs(in, s.ivp);
    ds_ivp_free(s.ivp);
}
