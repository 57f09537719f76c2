/* structure.c - patterns of Jacobians, with groups of columns and orders of elimination. */
#include "user.h"

/* All places (i, j) that `keep` has and, of sparse patterns, the diagonal. */
static void fill(structure *s, int64_t n, int64_t lower, int64_t upper, input *sparse) {
    int64_t count = 0;
    for (int64_t j = 0; j < n; ++j) {
        s->start[j] = count;
        for (int64_t i = 0; i < n; ++i) {
            const int inside = i - j <= lower && j - i <= upper;
            if (sparse ? i == j || take_choice(sparse, 3) == 0 : inside) s->rows[count++] = i;
        }
    }
    s->start[n] = count;
    s->pattern.n = n;
    s->pattern.count = count;
    s->pattern.start = s->start;
    s->pattern.rows = s->rows;
}

/* A permutation, by so many exchanges. */
static void shuffle(input *in, int64_t n, int64_t *order) {
    for (int64_t k = 0; k < n; ++k) order[k] = k;
    for (int64_t k = 0; k < n; ++k) {
        const int64_t other = take_choice(in, (int)n), held = order[k];
        order[k] = order[other];
        order[other] = held;
    }
}

void take_structure(input *in, structure *s, int64_t n, int may_be_sparse) {
    const ds_pattern full = {.n = n, .count = n * n};
    const ds_lu_plan dense = {.kind = DS_LU_DENSE};
    s->pattern = full;
    s->plan = dense;
    for (int64_t j = 0; j < n; ++j) s->groups[j] = j;
    switch (take_choice(in, may_be_sparse ? 4 : 2)) {
    case 0: return;
    case 1:
        s->plan.kind = DS_LU_BANDED;
        s->plan.lower = take_choice(in, n ? (int)n : 1);
        s->plan.upper = take_choice(in, n ? (int)n : 1);
        fill(s, n, s->plan.lower, s->plan.upper, 0);
        return;
    default:
        s->plan.kind = take_choice(in, 2) ? DS_LU_SPARSE : DS_LU_ITERATIVE;
        s->plan.costs.factor = take_number(in);
        s->plan.costs.solve = take_number(in);
        s->plan.costs.incomplete = take_number(in);
        s->plan.costs.iteration = take_number(in);
        fill(s, n, 0, 0, in);
        if (take_choice(in, 2)) {
            shuffle(in, n, s->order);
            s->plan.order = s->order;
        }
    }
}
