/* differences.c - Jacobians by forward differences whose steps adapt from one to the next.
 *
 * SciPy's _ivp/common.py, num_jac; after Salane, "Adaptive routines for forming Jacobians
 * numerically", Sandia National Laboratories report SAND86-1319 (1986). Columns of one group are
 * moved together (Curtis, Powell, Reid, J. Inst. Math. Appl. 13, 1974); without groups each column
 * is its own. Evaluations are not counted in nfev, as in SciPy. */
#include "differences.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bounds for the largest difference of a column, relative to the size of what is subtracted. */
static const double EXPONENT_REJECT = 0.875; /* below EPS to this power: a larger step at once */
static const double EXPONENT_SMALL = 0.75;   /* below: a larger step next time */
static const double EXPONENT_BIG = 0.25;     /* above: a smaller step next time */
static const double FACTOR_INCREASE = 10, FACTOR_DECREASE = 0.1, MIN_FACTOR = 1e3 * DBL_EPSILON;

/* A column's difference: its step, its largest entry and the size of the two numbers behind it. */
typedef struct {
    double factor; /* step relative to scale */
    double scale;  /* size of the state, signed so that the step goes where the state goes */
    double h;
    double largest, size;
    int too_small;
} column;

struct ds_differences {
    int64_t n, groups;
    int parts;       /* doubles in a number */
    int many;        /* all groups in one call */
    int64_t width;   /* doubles in a state */
    int64_t *group;  /* of each column */
    column *columns;
    double *moved;   /* states to be evaluated: one, or one for each group */
    double *f_here;  /* derivative at (t, y), where it is not given */
    double *f_moved; /* derivatives, one for each group */
    double *f_again; /* the same with larger steps: one, or one for each group */
};

/* May column j move together with those of group g, whose rows `owner` marks? Then it joins. */
static int joins(const ds_pattern *p, int64_t j, int64_t g, int64_t *owner) {
    for (int64_t k = p->start[j]; k < p->start[j + 1]; ++k)
        if (owner[p->rows[k]] == g) return 0;
    for (int64_t k = p->start[j]; k < p->start[j + 1]; ++k) owner[p->rows[k]] = g;
    return 1;
}

/* Groups of columns that share no row, first fit (Curtis, Powell, Reid); their number. `group` has
 * room for n more. */
static int64_t group_columns(const ds_pattern *p, int64_t *group) {
    int64_t *owner = group + p->n, grouped = 0, g = 0;
    for (int64_t j = 0; j < p->n; ++j) group[j] = owner[j] = -1;
    for (; grouped < p->n; ++g)
        for (int64_t j = 0; j < p->n; ++j)
            if (group[j] < 0 && joins(p, j, g, owner)) {
                group[j] = g;
                ++grouped;
            }
    return g;
}

/* The caller's groups (SciPy's), else those of a sparse pattern, else each column by itself. */
static int64_t choose_groups(const ds_ivp *ivp, int64_t *group) {
    if (!ivp->jac_groups && ivp->jac_pattern.start)
        return group_columns(&ivp->jac_pattern, group);
    for (int64_t j = 0; j < ivp->n_states; ++j) group[j] = ivp->jac_groups ? ivp->jac_groups[j] : j;
    return ivp->jac_groups ? ivp->n_jac_groups : ivp->n_states;
}

ds_differences *ds_differences_new(const ds_ivp *ivp) {
    ds_differences *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->n = ivp->n_states;
    d->parts = ivp->is_complex ? 2 : 1;
    d->width = d->n * d->parts;
    d->many = ivp->vectorized;
    d->group = malloc((2 * d->n + 1) * sizeof *d->group);
    if (!d->group) {
        free(d);
        return NULL;
    }
    d->groups = choose_groups(ivp, d->group);
    const size_t some = (size_t)d->width * (d->many ? d->groups : 1);
    const size_t all = (size_t)d->width * d->groups;
    d->columns = malloc((d->n + 1) * sizeof *d->columns);
    d->moved = malloc((2 * some + all + d->width + 1) * sizeof(double));
    if (!d->columns || !d->moved) {
        ds_differences_free(d);
        return NULL;
    }
    d->f_again = d->moved + some;
    d->f_moved = d->f_again + some;
    d->f_here = d->f_moved + all;
    for (int64_t j = 0; j < d->n; ++j) d->columns[j].factor = sqrt(DBL_EPSILON);
    return d;
}

void ds_differences_free(ds_differences *d) {
    if (!d) return;
    free(d->group);
    free(d->columns);
    free(d->moved);
    free(d);
}

static double size_of(const double *x, int64_t i, int parts) {
    return parts == 1 ? fabs(x[i]) : hypot(x[2 * i], x[2 * i + 1]);
}

static double step_of(const column *c, double y, double factor) {
    return (y + factor * c->scale) - y;
}

/* Steps into the direction in which the state moves, none of them 0. */
static void choose_steps(const ds_ivp *ivp, ds_differences *d, const double *y, const double *f) {
    for (int64_t j = 0; j < d->n; ++j) {
        column *c = &d->columns[j];
        const double threshold = ivp->atol[j * ivp->atol_stride], size = size_of(y, j, d->parts);
        const double y_j = y[d->parts * j];
        /* np.maximum hands a nan on */
        c->scale = (f[d->parts * j] >= 0 ? 1 : -1) *
                   (threshold > size || threshold != threshold ? threshold : size);
        c->h = step_of(c, y_j, c->factor);
        while (c->h == 0 && c->factor < DBL_MAX) {
            c->factor *= 10;
            c->h = step_of(c, y_j, c->factor);
        }
    }
}

static int evaluate_one(ds_ivp *ivp, int flags, double t, double *y, double *out) {
    return ds_evaluate(ivp, &ivp->fun, 0, flags, t, y, out);
}

static int evaluate_many(ds_ivp *ivp, const ds_differences *d, int64_t count, int flags, double t,
                         double *y, double *out) {
    if (d->many && !ivp->fun.kernel) {
        const int with_count = flags | (int)(count << DS_COLUMNS_SHIFT);
        return ivp->python(ivp->handle, DS_CALL_MANY, with_count, t, y, out) ? DS_PYTHON_ERROR : 0;
    }
    for (int64_t k = 0; k < count; ++k) {
        const int error = evaluate_one(ivp, flags, t, y + k * d->width, out + k * d->width);
        if (error) return error;
    }
    return 0;
}

/* The derivatives with every group of columns moved. */
static int evaluate_groups(ds_ivp *ivp, ds_differences *d, int flags, double t, const double *y) {
    for (int64_t g = 0; g < d->groups; ++g) {
        double *moved = d->many ? d->moved + g * d->width : d->moved;
        memcpy(moved, y, d->width * sizeof(double));
        for (int64_t j = 0; j < d->n; ++j)
            if (d->group[j] == g) moved[d->parts * j] += d->columns[j].h;
        if (d->many) continue;
        const int error = evaluate_one(ivp, flags, t, moved, d->f_moved + g * d->width);
        if (error) return error;
        if (ivp->seconds_left > 0 && ds_clock() >= ds_inside(ivp)->time_out) return DS_TIME_OUT;
    }
    return d->many ? evaluate_many(ivp, d, d->groups, flags, t, d->moved, d->f_moved) : 0;
}

/* Entries of column j: `*first` its first value, `*rows` their rows or NULL: all. */
static int64_t entries_of(const ds_pattern *p, int64_t j, int64_t *first, const int64_t **rows) {
    *first = p->start ? p->start[j] : j * p->n;
    *rows = p->start ? p->rows + *first : NULL;
    return p->start ? p->start[j + 1] - *first : p->n;
}

/* Differences f_new - f of column j into the Jacobian; the largest one and its size. A nan counts
 * as the largest. */
static void take_differences(const ds_ivp *ivp, const ds_differences *d, int64_t j,
                             const double *f_new, const double *f, double *largest, double *size) {
    int64_t first, worst = 0;
    const int64_t *rows;
    const int64_t count = entries_of(&ivp->jac_pattern, j, &first, &rows);
    const int parts = d->parts;
    *largest = 0;
    for (int64_t k = 0; k < count; ++k) {
        const int64_t row = rows ? rows[k] : k;
        double *value = ivp->jac_values + parts * (first + k);
        for (int part = 0; part < parts; ++part)
            value[part] = f_new[parts * row + part] - f[parts * row + part];
        const double difference = size_of(value, 0, parts);
        if (*largest != *largest || difference <= *largest) continue;
        *largest = difference;
        worst = row;
    }
    *size = fmax(size_of(f, worst, parts), size_of(f_new, worst, parts));
}

static int is_too_small(const column *c) {
    return c->largest < pow(DBL_EPSILON, EXPONENT_REJECT) * c->size;
}

/* Columns of group g that are too small: try a larger step, and keep what is better. */
static void improve_group(const ds_ivp *ivp, ds_differences *d, int64_t g, const double *y,
                          const double *f, const double *f_new) {
    for (int64_t j = 0; j < d->n; ++j) {
        column *c = &d->columns[j];
        if (d->group[j] != g || !c->too_small) continue;
        const double factor = FACTOR_INCREASE * c->factor;
        double largest, size, unused;
        take_differences(ivp, d, j, f_new, f, &largest, &size);
        if (c->largest * size < largest * c->size) {
            c->factor = factor;
            c->h = step_of(c, y[d->parts * j], factor);
            c->largest = largest;
            c->size = size;
        } else
            take_differences(ivp, d, j, d->f_moved + g * d->width, f, &unused, &unused);
    }
}

/* The state with the too small columns of group g moved ten times as far; false: there are none. */
static int move_further(ds_differences *d, int64_t g, const double *y, double *moved) {
    int any = 0;
    for (int64_t j = 0; j < d->n; ++j) {
        const column *c = &d->columns[j];
        if (d->group[j] != g || !c->too_small) continue;
        if (!any) memcpy(moved, y, d->width * sizeof(double));
        any = 1;
        moved[d->parts * j] += step_of(c, y[d->parts * j], FACTOR_INCREASE * c->factor);
    }
    return any;
}

static int try_larger_steps(ds_ivp *ivp, ds_differences *d, int flags, double t, const double *y,
                            const double *f) {
    int64_t count = 0;
    for (int64_t g = 0; g < d->groups; ++g) {
        if (!move_further(d, g, y, d->moved + count * d->width)) continue;
        if (d->many) {
            ++count;
            continue;
        }
        const int error = evaluate_one(ivp, flags, t, d->moved, d->f_again);
        if (error) return error;
        improve_group(ivp, d, g, y, f, d->f_again);
    }
    if (!count) return 0;
    const int error = evaluate_many(ivp, d, count, flags, t, d->moved, d->f_again);
    if (error) return error;
    count = 0;
    for (int64_t g = 0; g < d->groups; ++g) {
        if (!move_further(d, g, y, d->moved)) continue;
        improve_group(ivp, d, g, y, f, d->f_again + count++ * d->width);
    }
    return 0;
}

/* Differences become quotients; NumPy divides complex numbers by multiplying with an inverse. */
static void divide(const ds_ivp *ivp, const ds_differences *d, int64_t j) {
    int64_t first;
    const int64_t *rows;
    const int64_t count = entries_of(&ivp->jac_pattern, j, &first, &rows);
    const double h = d->columns[j].h;
    double *values = ivp->jac_values + d->parts * first;
    for (int64_t k = 0; k < d->parts * count; ++k)
        values[k] = d->parts == 1 ? values[k] / h : values[k] * (1 / h);
}

static void adapt(column *c) {
    if (c->largest < pow(DBL_EPSILON, EXPONENT_SMALL) * c->size) c->factor *= FACTOR_INCREASE;
    if (c->largest > pow(DBL_EPSILON, EXPONENT_BIG) * c->size) c->factor *= FACTOR_DECREASE;
    if (c->factor < MIN_FACTOR) c->factor = MIN_FACTOR;
}

int ds_differences_jacobian(ds_ivp *ivp, ds_differences *d, int flags, double t, double *y,
                            const double *f) {
    if (!f) {
        const int error = evaluate_one(ivp, flags, t, y, d->f_here);
        if (error) return error;
        f = d->f_here;
    }
    choose_steps(ivp, d, y, f);
    int error = evaluate_groups(ivp, d, flags, t, y);
    if (error) return error;
    int any = 0;
    for (int64_t j = 0; j < d->n; ++j) {
        column *c = &d->columns[j];
        take_differences(ivp, d, j, d->f_moved + d->group[j] * d->width, f, &c->largest, &c->size);
        any |= c->too_small = is_too_small(c);
    }
    if (any) error = try_larger_steps(ivp, d, flags, t, y, f);
    if (error) return error;
    for (int64_t j = 0; j < d->n; ++j) {
        divide(ivp, d, j);
        adapt(&d->columns[j]);
    }
    if (ds_flags_raised()) ds_flags_clear();
    return 0;
}
