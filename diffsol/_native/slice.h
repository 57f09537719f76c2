/* slice.h - bounded pieces of work: the clock is read now and then, and how often is learnt. */
#ifndef DS_SLICE_H
#define DS_SLICE_H
#include "clock.h"
#include <stdint.h>

/* The clock is read about this often in one slice. */
#define DS_CLOCK_READS 16
enum { DS_CLOCK_INTERVAL_MAX = 1 << 14 };

/* Factoring more states than this may take long: the clock is then read after each step. */
enum { DS_CLOCK_STATES = 500 };

typedef struct {
    double deadline, pace; /* seconds; the clock shall be read every `pace` */
    double last_read;
    int64_t countdown;     /* units of work until the clock is read again */
    int64_t interval;
} ds_slice;

static inline void ds_slice_begin(ds_slice *slice, double seconds) {
    slice->last_read = ds_clock();
    slice->deadline = slice->last_read + seconds;
    slice->pace = seconds / DS_CLOCK_READS;
    if (slice->interval < 1) slice->interval = slice->countdown = 1;
}

/* Read the clock after this unit of work, and learn anew how many fit between two readings. */
static inline void ds_slice_watch(ds_slice *slice) { slice->countdown = slice->interval = 1; }

/* So many units of work are done: is the time up? */
static inline int ds_slice_is_over(ds_slice *slice, int64_t units) {
    slice->countdown -= units;
    if (slice->countdown > 0) return 0;
    const double now = ds_clock(), passed = now - slice->last_read;
    if (passed < slice->pace / 2 && slice->interval < DS_CLOCK_INTERVAL_MAX) slice->interval *= 2;
    if (passed > 2 * slice->pace && slice->interval > 1) slice->interval /= 2;
    slice->countdown = slice->interval;
    slice->last_read = now;
    return now >= slice->deadline;
}

#endif
