/* event_rules.h - SciPy's rules for events (_ivp/ivp.py), oddities included: an event that is zero
 * at a step's end happens in both steps that meet there, and roots are put in order only when one
 * of them ends the solve. */
#ifndef DS_EVENT_RULES_H
#define DS_EVENT_RULES_H
#ifdef __CUDACC_RTC__
typedef long long int64_t;
#else
#include <stdint.h>
#endif

static inline int ds_event_happened(double g, double g_new, double direction) {
    const int up = g <= 0 && g_new >= 0;
    const int down = g >= 0 && g_new <= 0;
    return (up && direction > 0) || (down && direction < 0) || ((up || down) && direction == 0);
}

/* In the direction of integration, `sign`; equal roots keep the order of their events. */
static inline void ds_sort_roots(double *roots, int64_t *events, int64_t count, double sign) {
    for (int64_t i = 1; i < count; ++i) {
        const double root = roots[i];
        const int64_t event = events[i];
        int64_t k = i;
        for (; k > 0 && sign * roots[k - 1] > sign * root; --k) {
            roots[k] = roots[k - 1];
            events[k] = events[k - 1];
        }
        roots[k] = root;
        events[k] = event;
    }
}

#endif
