/* hairer.c - some intervals of one DOPRI5 or DOP853. */
#include "hairer.h"
#include "user.h"

enum { MOST_CALLS = 400, MOST_RUNS = 4 };

typedef struct {
    ds_hairer *hairer;
    user u;
    double rtol[MOST_STATES], atol[MOST_STATES], y[MOST_STATES], given[MOST_STATES];
    int32_t counts[4];
} solve;

static void take_options(input *in, solve *s) {
    ds_hairer *hairer = s->hairer;
    hairer->handle = &s->u;
    hairer->python = ask_user;
    hairer->y = s->y;
    hairer->given = s->given;
    hairer->counts = s->counts;
    hairer->rtol_value = take_number_or(in, 1e-4);
    hairer->atol_value = take_number_or(in, 1e-6);
    if (take_choice(in, 4) == 3) {
        take_numbers(in, s->rtol, hairer->n);
        take_numbers(in, s->atol, hairer->n);
        hairer->rtol = s->rtol, hairer->rtol_stride = 1;
        hairer->atol = s->atol, hairer->atol_stride = 1;
    }
    hairer->h0 = take_number_or(in, 0);
    hairer->h_max = take_number_or(in, 0);
    hairer->safety = take_number_or(in, 0.9);
    hairer->factor_min = take_number_or(in, 0.2);
    hairer->factor_max = take_number_or(in, 10);
    hairer->beta = take_number_or(in, 0.04);
    hairer->step_max = take_count_or(in, 500);
    hairer->shrink_fully = take_choice(in, 2);
    hairer->watched = take_choice(in, 2);
    if (take_choice(in, 2)) hairer->fun.kernel = derivative_kernel;
    hairer->fun.params = &s->u.system.width;
}

static void run(input *in, ds_hairer *hairer) {
    hairer->t_end = take_number_or(in, hairer->t + 2);
    ds_hairer_begin(hairer);
    int code = DS_RUNNING;
    for (int calls = 0; code == DS_RUNNING && calls < MOST_CALLS; ++calls) {
        code = ds_hairer_advance(hairer, take_number_or(in, 1e-6));
        if (take_choice(in, 8) == 1)
            hairer->fun.kernel = hairer->fun.kernel ? NULL : derivative_kernel;
    }
}

void fuzz_hairer(input *in) {
    const int method = take_choice(in, 2) ? DS_HAIRER_853 : DS_DOPRI5;
    solve s = {.hairer = ds_hairer_new(method, take_choice(in, MOST_STATES + 1))};
    if (!s.hairer) return;
    take_user(in, &s.u, s.hairer->n, 0);
    take_options(in, &s);
    s.hairer->t = take_number_or(in, 0);
    for (int64_t i = 0; i < s.hairer->n; ++i) s.y[i] = take_number_or(in, 1);
    for (int k = take_choice(in, MOST_RUNS); k >= 0; --k) run(in, s.hairer);
    read_all(s.counts, sizeof s.counts);
    ds_hairer_free(s.hairer);
}
