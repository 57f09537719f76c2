/* user.c - see user.h. */
#include "user.h"
#include <math.h>

static int64_t kernel_calls_left;

void allow_kernel_calls(int64_t calls) { kernel_calls_left = calls; }

void read_all(const void *memory, size_t bytes) {
    static volatile unsigned char last;
    for (size_t i = 0; i < bytes; ++i) last = ((const unsigned char *)memory)[i];
    (void)last;
}

void take_user(input *in, user *u, int64_t width, int64_t entries) {
    const user made = {
        .system = {.width = (double)width,
                   .form = take_choice(in, 8),
                   .rate = take_number(in),
                   .odd_after = take_number_or(in, INFINITY),
                   .odd = take_number(in),
                   .ask_every = take_choice(in, 8),
                   .flag_every = take_choice(in, 8),
                   .entries = (double)entries},
        .left = 50 + 4 * take_byte(in),
        .columns = width,
        .writes = take_choice(in, 8) == 7,
        .answer = take_number_or(in, 0),
    };
    *u = made;
    allow_kernel_calls(4 * u->left);
}

static double component(const system_ *s, double t, const double *y, int64_t i) {
    const double before = i ? y[i - 1] : 0;
    if (t > s->odd_after) return s->odd;
    switch ((int)s->form) {
    case 0: return -s->rate * (y[i] - cos(t)) + 0.1 * before;
    case 1: return s->rate * y[i] * y[i];
    case 2: return s->rate / y[i];
    case 3: return t < 1 ? s->rate : -s->rate;
    case 4: return s->rate * before - y[i];
    case 5: return i ? 0 : s->rate;
    case 6: return sqrt(y[i]) + s->rate;
    default: return y[i] > 0 ? -1e6 * s->rate : 1e6;
    }
}

static void derivative(const system_ *s, double t, const double *y, double *out) {
    for (int64_t i = 0; i < (int64_t)s->width; ++i) out[i] = component(s, t, y, i);
}

static void jacobian(const system_ *s, double t, double *out) {
    for (int64_t k = 0; k < (int64_t)s->entries; ++k)
        out[k] = t > s->odd_after ? s->odd : s->rate * ((double)(k % 5) - 2);
}

static double event(const system_ *s, double t, const double *y) {
    if (t > s->odd_after) return s->odd;
    return s->width > 0 ? y[0] - 0.5 : t - 1;
}

int ask_user(void *handle, int which, int flags, double t, double *y, double *out) {
    user *u = handle;
    const int64_t width = (int64_t)u->system.width;
    if (u->left-- <= 0) return 1;
    if (which == DS_CALL_JACOBIAN)
        jacobian(&u->system, t, out);
    else if (which == DS_CALL_MANY)
        for (int64_t k = 0; k < flags >> DS_COLUMNS_SHIFT; ++k)
            derivative(&u->system, t, y + k * width, out + k * width);
    else if (which == 0)
        derivative(&u->system, t, y, out);
    else if (which > 0)
        out[0] = event(&u->system, t, y);
    else if (which == -4) /* DS_CALL_STEP: Hairer's */
        out[0] = u->answer;
    if (u->writes && which == 0 && width) y[0] = u->system.odd;
    return 0;
}

/* What a kernel returns, after what it may do besides: nonzero asks for Python. */
static int ends(const system_ *s) {
    const int64_t call = kernel_calls_left--;
    if (call <= 0) return 1;
    volatile double zero = 0, unused = 0;
    if (s->flag_every > 0 && call % (int64_t)s->flag_every == 0) unused = 1 / zero;
    (void)unused;
    return s->ask_every > 0 && call % (int64_t)s->ask_every == 0;
}

int derivative_kernel(double t, const double *y, double *out, const double *p) {
    const system_ *s = (const system_ *)p;
    derivative(s, t, y, out);
    return ends(s);
}

int jacobian_kernel(double t, const double *y, double *out, const double *p) {
    const system_ *s = (const system_ *)p;
    (void)y;
    jacobian(s, t, out);
    return ends(s);
}

int event_kernel(double t, const double *y, double *out, const double *p) {
    const system_ *s = (const system_ *)p;
    out[0] = event(s, t, y);
    return ends(s);
}
