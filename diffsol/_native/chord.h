/* chord.h - the matrix I - c J of a chord iteration (LSODA's, VODE's) and its factors. A matrix that
 * is not finite is no obstacle: there are no factors then, and solutions are nan. */
#ifndef DS_CHORD_H
#define DS_CHORD_H
#include "linear.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
    ds_pattern pattern;
    ds_lu_plan plan;
    ds_lu *lu;  /* made when it is first needed: a solve may never ask for a matrix */
    int broken; /* there are no factors */
    int no_memory;
} ds_chord;

static inline void ds_chord_free(ds_chord *chord, double **values) {
    free(*values);
    ds_lu_free(chord->lu);
    *values = NULL;
    chord->lu = NULL;
}

/* Room for the factors, and for the values of J. False when there is none. */
static inline int ds_chord_make(ds_chord *chord, int is_complex, double **values) {
    const size_t parts = is_complex ? 2 : 1;
    *values = calloc(parts * ((size_t)chord->pattern.count + 1), sizeof(double));
    chord->lu = ds_lu_new(&chord->pattern, is_complex, is_complex, &chord->plan);
    chord->no_memory = !*values || !chord->lu;
    return !chord->no_memory;
}

/* Factors of I - c J. True when it is singular, or when there is no memory. */
static inline int ds_chord_factor(ds_lu *lu, double c, const double *values, int *broken,
                                  int *no_memory) {
    const int code = ds_lu_factor(lu, 1, 0, c, values);
    *no_memory = code == DS_LU_NO_MEMORY;
    *broken = code == DS_LU_NOT_FINITE;
    return code == DS_LU_SINGULAR || *no_memory;
}

/* b, `width` doubles, becomes the solution. */
static inline void ds_chord_solve(ds_lu *lu, int broken, int64_t width, double *b) {
    if (!broken)
        ds_lu_solve(lu, b);
    else
        for (int64_t i = 0; i < width; ++i) b[i] = NAN;
}

#endif
