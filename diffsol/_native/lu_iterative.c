/* lu_iterative.c - Newton systems solved by GMRES with incomplete factors, as long as that costs
 * less than the direct factors of lu_sparse.c, which take its place where it does not.
 *
 * What each way costs is counted, not timed, so that a solve repeats itself to the bit. */
#include "gmres.h"
#include <math.h>
#include <stdlib.h>

typedef struct {
    ds_lu lu; /* first: a ds_lu* is an iterative* */
    ds_lu_costs costs;
    ds_pattern pattern;
    int64_t *start, *rows, *order; /* owned: the direct factors are made when they are needed */
    ds_ilu *ilu;
    ds_gmres gmres;
    ds_lu *direct;       /* or NULL */
    ds_shifted a;        /* the matrix at hand */
    int use_direct;      /* it has direct factors */
    int always_direct;   /* and so has every other from now on */
    int64_t solves, iterations; /* with the factors at hand */
    double lost;         /* what direct factors would have spared, less what they would have cost */
} iterative;

static int factor_directly(iterative *s) {
    if (!s->direct) {
        const ds_lu_plan plan = {.kind = DS_LU_SPARSE, .order = s->order};
        s->direct = ds_lu_new(&s->pattern, 0, 0, &plan);
        if (!s->direct) return DS_LU_NO_MEMORY;
    }
    s->use_direct = 1;
    const int code = ds_lu_factor(s->direct, s->a.alpha_re, 0, s->a.beta, s->a.jac);
    s->lu.pivot = ds_lu_pivot(s->direct);
    s->lu.size = ds_lu_size(s->direct);
    return code;
}

/* Has the way of the matrix before cost more than direct factors would have? Once this adds up to
 * the price of one of those, GMRES is left for good: the loss is bounded, as with a hired tool. */
static void judge(iterative *s) {
    const ds_lu_costs *c = &s->costs;
    const double direct = c->factor + c->solve * (double)s->solves;
    double spent = c->incomplete + c->iteration * (double)(s->iterations + s->solves);
    if (s->use_direct) spent += direct;
    s->lost = fmax(0, s->lost + spent - direct);
    s->always_direct = s->lost > c->factor;
    s->solves = s->iterations = 0;
}

static int iterative_factor(ds_lu *lu, double alpha_re, double alpha_im, double beta,
                            const double *jac) {
    iterative *s = (iterative *)lu;
    (void)alpha_im;
    if (s->solves && !s->always_direct) judge(s);
    s->a = (ds_shifted){.alpha_re = alpha_re, .beta = beta, .jac = jac};
    s->use_direct = s->always_direct;
    if (s->always_direct) return factor_directly(s);
    const int code = ds_ilu_factor(s->ilu, &s->a);
    return code == DS_LU_SINGULAR ? factor_directly(s) : code;
}

static void solve_directly(ds_lu *lu, double *b) {
    iterative *s = (iterative *)lu;
    if (!s->use_direct && factor_directly(s) != DS_LU_OK) {
        for (int64_t i = 0; i < lu->n; ++i) b[i] = NAN; /* as from a singular dense matrix */
        return;
    }
    ds_lu_solve(s->direct, b);
}

static void solve_within(ds_lu *lu, double *b, double tol) {
    iterative *s = (iterative *)lu;
    ++s->solves;
    if (!s->use_direct && ds_gmres_solve(&s->gmres, s->ilu, b, lu->scale, tol, &s->iterations))
        return;
    solve_directly(lu, b);
}

static void iterative_free(ds_lu *lu) {
    iterative *s = (iterative *)lu;
    free(s->start);
    free(s->rows);
    free(s->order);
    free(lu->scale);
    ds_ilu_free(s->ilu);
    ds_gmres_free(&s->gmres);
    ds_lu_free(s->direct);
    free(s);
}

ds_lu *ds_lu_iterative_new(const ds_pattern *pattern, int is_complex, const ds_lu_plan *plan) {
    if (is_complex || !pattern->start || !plan->order) return NULL;
    iterative *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    const int64_t n = pattern->n;
    s->lu.factor = iterative_factor;
    s->lu.solve = solve_directly;
    s->lu.solve_within = solve_within;
    s->lu.free = iterative_free;
    s->costs = plan->costs;
    s->lu.scale = ds_lu_memory(n, sizeof *s->lu.scale);
    s->start = ds_lu_copy(pattern->start, n + 1);
    s->rows = ds_lu_copy(pattern->rows, pattern->count);
    s->order = ds_lu_copy(plan->order, n);
    s->pattern = (ds_pattern){n, pattern->count, s->start, s->rows};
    s->ilu = ds_ilu_new(pattern);
    const int no_memory = ds_gmres_make(&s->gmres, n);
    if (!s->lu.scale || !s->start || !s->rows || !s->order || !s->ilu || no_memory) {
        iterative_free(&s->lu);
        return NULL;
    }
    s->lu.size = s->ilu->count + (DS_GMRES_MOST + 2) * n;
    return &s->lu;
}
