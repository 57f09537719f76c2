/* outputs.c - growing records of points, interpolants and events. */
#include "ivp.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

/* One of several arrays that grow together. */
typedef struct {
    void **array;
    size_t item; /* bytes of one entry */
} ds_column;

/* Make `needed` entries fit. Old entries stay where an array could not grow. */
static int reserve(int64_t *room, int64_t needed, const ds_column *columns, int count) {
    if (needed <= *room) return DS_RUNNING;
    int64_t wanted = *room < FIRST_ROOM ? FIRST_ROOM : 2 * *room;
    if (wanted < needed) wanted = needed;
    for (int i = 0; i < count; ++i) {
        /* At least a byte each: an empty state has rows too. */
        void *grown = realloc(*columns[i].array, (size_t)wanted * columns[i].item + 1);
        if (!grown) return DS_NO_MEMORY;
        *columns[i].array = grown;
    }
    *room = wanted;
    return DS_RUNNING;
}

static size_t state_bytes(const ds_ivp *ivp) {
    return ((const ds_solver *)ivp)->width * sizeof(double);
}

/* Room for one more point; its state, to be filled in, or NULL. */
static double *new_point(ds_ivp *ivp, double t, int64_t at_least) {
    ds_solver *solver = ds_inside(ivp);
    if (ivp->n_points == solver->point_room) {
        const ds_column columns[] = {{(void **)&ivp->ts, sizeof(double)},
                                     {(void **)&ivp->ys, state_bytes(ivp)}};
        const int64_t needed = ivp->n_points + 1 > at_least ? ivp->n_points + 1 : at_least;
        if (reserve(&solver->point_room, needed, columns, 2)) return NULL;
    }
    ivp->ts[ivp->n_points] = t;
    return ivp->ys + ivp->n_points++ * solver->width;
}

static int keep_point(ds_ivp *ivp, double t, const double *y) {
    double *row = new_point(ivp, t, 0);
    if (!row) return DS_NO_MEMORY;
    memcpy(row, y, state_bytes(ivp));
    return DS_RUNNING;
}

int ds_output_start(ds_ivp *ivp) {
    return ivp->save_steps ? keep_point(ivp, ivp->t0, ivp->y) : DS_RUNNING;
}

int ds_need_interpolant(ds_ivp *ivp, double **q) {
    if (*q) return DS_RUNNING;
    *q = ds_inside(ivp)->q;
    return ds_ivp_dense(ivp, *q);
}

/* Room for one more segment whose interpolant takes `q_size` numbers. */
static int reserve_segment(ds_ivp *ivp, int64_t q_size) {
    ds_solver *solver = ds_inside(ivp);
    const int64_t i = ivp->n_segments;
    const ds_column columns[] = {{(void **)&ivp->seg_t_old, sizeof(double)},
                                 {(void **)&ivp->seg_t, sizeof(double)},
                                 {(void **)&ivp->seg_y_old, state_bytes(ivp)},
                                 {(void **)&ivp->seg_at, sizeof(int64_t)}};
    const ds_column coefficients = {(void **)&ivp->seg_q, sizeof(double)};
    const int error = reserve(&solver->segment_room, i + 2, columns, 4);
    if (error) return error;
    if (i == 0) ivp->seg_at[0] = 0;
    /* one more: an interpolant of no equations has an address too */
    return reserve(&solver->coefficient_room, ivp->seg_at[i] + q_size + 1, &coefficients, 1);
}

int ds_keep_segment(ds_ivp *ivp, double **q) {
    const int64_t i = ivp->n_segments, q_size = ds_ivp_q_size(ivp);
    const int error = reserve_segment(ivp, q_size);
    if (error) return error;
    *q = ivp->seg_q + ivp->seg_at[i];
    const int stopped = ds_ivp_dense(ivp, *q);
    if (stopped) return stopped;
    ivp->seg_at[i + 1] = ivp->seg_at[i] + q_size;
    ivp->seg_t_old[i] = ivp->t_old;
    ivp->seg_t[i] = ivp->t;
    memcpy(ivp->seg_y_old + i * ds_inside(ivp)->width, ivp->y_old, state_bytes(ivp));
    ++ivp->n_segments;
    return DS_RUNNING;
}

int ds_keep_event(ds_ivp *ivp, int64_t event, double t, const double *y) {
    ds_solver *solver = ds_inside(ivp);
    const int64_t i = ivp->n_event_records;
    const ds_column columns[] = {{(void **)&ivp->ev_index, sizeof(int64_t)},
                                 {(void **)&ivp->ev_t, sizeof(double)},
                                 {(void **)&ivp->ev_y, state_bytes(ivp)}};
    const int error = reserve(&solver->record_room, i + 1, columns, 3);
    if (error) return error;
    ivp->ev_index[i] = event;
    ivp->ev_t[i] = t;
    memcpy(ivp->ev_y + i * solver->width, y, state_bytes(ivp));
    ++ivp->n_event_records;
    return DS_RUNNING;
}

/* The end of the step, unless dense output would get two equal times (an event at the last
 * time). */
static int output_step_end(ds_ivp *ivp, const double *y) {
    if (ivp->dense && ivp->n_points > 1 && ivp->ts[ivp->n_points - 1] == ivp->t_stop) {
        --ivp->n_segments;
        return DS_RUNNING;
    }
    return keep_point(ivp, ivp->t_stop, y);
}

/* The t_eval points up to t_stop. A nan is never reached; SciPy serves none on an empty
 * interval. */
static int output_eval_points(ds_ivp *ivp, double **q) {
    ds_solver *solver = ds_inside(ivp);
    if (ivp->t0 == ivp->t_bound) return DS_RUNNING;
    for (; solver->eval_next < ivp->n_eval; ++solver->eval_next) {
        const double t = ivp->t_eval[solver->eval_next];
        const int reached = ivp->direction > 0 ? t <= ivp->t_stop : t >= ivp->t_stop;
        if (!reached) break;
        const int error = ds_need_interpolant(ivp, q);
        if (error) return error;
        double *row = new_point(ivp, t, ivp->n_eval);
        if (!row) return DS_NO_MEMORY;
        ds_interpolate(ivp, *q, t, row);
    }
    return DS_RUNNING;
}

int ds_output_step(ds_ivp *ivp, double **q, const double *y) {
    if (ivp->save_steps) return output_step_end(ivp, y);
    return output_eval_points(ivp, q);
}

/* --- Handing points over ------------------------------------------------------------------------- */

enum { ALIGNMENT = 64, BLOCK = ALIGNMENT / sizeof(double) };

static int before_aligned(const double *memory) {
    return (int)(-(uintptr_t)memory % ALIGNMENT / sizeof(double));
}

/* Rows of `parts` doubles an entry become columns. A line of the cache is written at once. */
static void transpose(const double *rows, int64_t count, int64_t n, int parts, double *out) {
    for (int64_t first = 0; first < count; first += BLOCK) {
        const int64_t last = first + BLOCK < count ? first + BLOCK : count;
        for (int64_t i = 0; i < n; ++i)
            for (int64_t k = first; k < last; ++k)
                for (int part = 0; part < parts; ++part)
                    out[(i * count + k) * parts + part] = rows[(k * n + i) * parts + part];
    }
}

int ds_ivp_take_points(const ds_ivp *ivp, double *t_memory, double *y_memory) {
    const int of_t = before_aligned(t_memory), of_y = before_aligned(y_memory);
    const int64_t count = ivp->n_points;
    if (!count) return of_t + BLOCK * of_y;
    const int parts = ivp->is_complex ? 2 : 1;
    const int64_t n = (int64_t)(state_bytes(ivp) / sizeof(double)) / parts;
    memcpy(t_memory + of_t, ivp->ts, (size_t)count * sizeof(double));
    transpose(ivp->ys, count, n, parts, y_memory + of_y);
    return of_t + BLOCK * of_y;
}
