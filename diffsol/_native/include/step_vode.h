/* step_vode.h - VODE and ZVODE: Adams formulas of orders 1 to 12 or BDF of orders 1 to 5, with
 * variable coefficients.
 *
 *   [BBH] P. N. Brown, G. D. Byrne, A. C. Hindmarsh, VODE: a variable-coefficient ODE solver,
 *     SIAM J. Sci. Stat. Comput. 10 (1989) 1038-1051;
 *   [B] G. D. Byrne, A. C. Hindmarsh, A polyalgorithm for the numerical solution of ordinary
 *     differential equations, ACM TOMS 1 (1975) 71-96 (EPISODE);
 *   [J] K. R. Jackson, R. Sacks-Davis, An alternative implementation of variable step-size
 *     multistep formulas for stiff ODEs, ACM TOMS 6 (1980) 295-318.
 *
 * A template by inclusion. The includer chooses, before each inclusion,
 *   DS_VODE(name)            how the functions of this instance are called
 *   DS_COMPLEX               0: n reals (VODE); 1: n complex numbers stored as 2n reals (ZVODE)
 *   DS_VODE_CONTEXT          a type: what the macros below need
 *   DS_RHS(ctx, t, y, out)   evaluates the derivative, nonzero to stop
 *   DS_JAC(ctx, t, y, jac)   values of the Jacobian in the order of the problem's pattern:
 *                            DS_VODE_OK, DS_VODE_STOPPED, or DS_VODE_DIFFERENCES to have them
 *                            computed here; may set jac to memory for them
 *   DS_FACTOR(ctx, c, jac)   factors of I - c J; nonzero: singular
 *   DS_SOLVE(ctx, b)         b becomes (I - c J)^-1 b
 *
 * The decisions and the order of operations are VODE's, so that steps agree with SciPy's vode and
 * zvode. One value only, no lanes. No libc, no allocation, no globals: memory comes in with the
 * state. What needs none of the macros stands in vode_state.h (types), vode_formula.h (the
 * coefficients) and vode_control.h (step size, order, ends of a call). */
#include "ds_scalar.h"
#include "vode_control.h"

/* Doubles in a state. */
#define DS_WIDTH(p) ((1 + DS_COMPLEX) * (p)->n)

/* --- Numbers and norms ------------------------------------------------------------------------ */

DS_FN R DS_VODE(size)(const R *x, ds_int i) {
#if DS_COMPLEX
    return ds_hypot(x[2 * i], x[2 * i + 1]);
#else
    return ds_abs(x[i]);
#endif
}

/* Weighted root mean square of the moduli. */
DS_FN R DS_VODE(norm)(ds_int n, const R *x, const R *w) {
    R sum = 0;
    for (ds_int i = 0; i < n; ++i) {
#if DS_COMPLEX
        sum = sum + (x[2 * i] * x[2 * i] + x[2 * i + 1] * x[2 * i + 1]) * (w[i] * w[i]);
#else
        const R y = x[i] * w[i];
        sum = sum + y * y;
#endif
    }
    return ds_sqrt(sum / n);
}

/* Weights for the state at the end of the last step; false when one would be infinite. */
DS_FN int DS_VODE(set_weights)(const ds_vode_problem *p, ds_vode_state *s) {
    int positive = 1;
    for (ds_int i = 0; i < p->n; ++i) {
        const R tolerance = p->rtol[i * p->rtol_stride] * DS_VODE(size)(s->history, i) +
                            p->atol[i * p->atol_stride];
        if (tolerance <= 0) positive = 0;
        s->weight[i] = 1.0 / tolerance;
    }
    return positive;
}

/* One evaluation, counted when it is done. */
DS_FN int DS_VODE(evaluate)(ds_vode_state *s, R t, R *out, DS_VODE_CONTEXT ctx) {
    if (DS_RHS(ctx, t, s->y, out)) return DS_VODE_STOPPED;
    ++s->evaluation_count;
    return DS_VODE_OK;
}

/* --- The matrix (dvjac, dvsol) ---------------------------------------------------------------- */

/* J by differences; f holds the derivative at y. */
DS_FN int DS_VODE(differences)(const ds_vode_problem *p, ds_vode_state *s, DS_VODE_CONTEXT ctx) {
    const ds_int n = p->n, step = 1 + DS_COMPLEX, stride = p->banded ? p->lower + p->upper + 1 : n;
    const R least = ds_least_increment(s->h, n, DS_VODE(norm)(n, s->f, s->weight));
    R *moved = s->correction, *y = s->y; /* free until the iteration begins */
    for (ds_int group = 0; group < stride && group < n; ++group) {
        const R kept = y[step * group]; /* a function may have changed y in place */
        for (ds_int j = group; j < n; j += stride)
            y[step * j] = y[step * j] + ds_increment(DS_VODE(size)(y, j), s->weight[j], least);
        if (DS_VODE(evaluate)(s, s->t, moved, ctx)) return DS_VODE_STOPPED;
        for (ds_int j = group; j < n; j += stride) {
            y[step * j] = p->banded ? s->history[step * j] : kept;
            const R per = 1.0 / ds_increment(DS_VODE(size)(y, j), s->weight[j], least);
            const ds_int end = p->start ? p->start[j + 1] : (j + 1) * n;
            for (ds_int k = p->start ? p->start[j] : j * n; k < end; ++k) {
                const ds_int i = p->start ? p->rows[k] : k - j * n;
                for (ds_int part = 0; part < step; ++part)
                    s->jac[step * k + part] =
                        (moved[step * i + part] - s->f[step * i + part]) * per;
            }
        }
    }
    return DS_VODE_OK;
}

/* Must J be evaluated, or does an old one do with the new h? */
DS_FN int DS_VODE(jacobian_is_due)(const ds_vode_state *s) {
    return s->step_count == 0 || s->step_count > s->jacobian_step + DS_VODE_JACOBIAN_AGE ||
           (s->trouble == 1 && s->drift < DS_VODE_JACOBIAN_DRIFT) || s->trouble == 2;
}

/* J, if it is due, and the factors of I - h / l_1 J. */
DS_FN int DS_VODE(make_chord)(const ds_vode_problem *p, ds_vode_state *s, DS_VODE_CONTEXT ctx) {
    s->jacobian_fresh = DS_VODE(jacobian_is_due)(s);
    if (s->jacobian_fresh) {
        ++s->jacobian_count;
        s->jacobian_step = s->step_count;
        int code = DS_JAC(ctx, s->t, s->y, s->jac);
        if (code == DS_VODE_DIFFERENCES) code = DS_VODE(differences)(p, s, ctx);
        if (code) return code;
    }
    ++s->factor_count;
    return DS_FACTOR(ctx, s->h * s->l1_inverse, s->jac) ? DS_VODE_CONVERGENCE : DS_VODE_OK;
}

/* b / a, by Smith's division (CACM 5, 1962, algorithm 116) where they are complex. */
DS_FN S DS_VODE(quotient)(S b, S a) {
#if DS_COMPLEX
    if (ds_abs(a.re) < ds_abs(a.im)) {
        const R ratio = a.re / a.im, size = a.re * ratio + a.im;
        const S c = {(b.re * ratio + b.im) / size, (b.im * ratio - b.re) / size};
        return c;
    }
    const R ratio = a.im / a.re, size = a.im * ratio + a.re;
    const S c = {(b.im * ratio + b.re) / size, (b.im - b.re * ratio) / size};
    return c;
#else
    return b / a;
#endif
}

DS_FN S DS_VODE(number)(R re) {
#if DS_COMPLEX
    const S number = {re, 0};
    return number;
#else
    return re;
#endif
}

/* a + b r, part by part. */
DS_FN S DS_VODE(combined)(S a, S b, R r) {
#if DS_COMPLEX
    const S c = {a.re + b.re * r, a.im + b.im * r};
    return c;
#else
    return a + b * r;
#endif
}

/* h f - z_1: the functional correction times l_1. */
DS_FN S DS_VODE(functional)(const ds_vode_problem *p, const ds_vode_state *s, ds_int i) {
    const S zero = DS_VODE(number)(0), z1 = ((const S *)(s->history + DS_WIDTH(p)))[i];
    return DS_VODE(combined)(DS_VODE(combined)(zero, ((const S *)s->f)[i], s->h), z1, -1);
}

/* A diagonal in place of J, by one difference along the functional correction. */
DS_FN int DS_VODE(make_diagonal)(const ds_vode_problem *p, ds_vode_state *s, DS_VODE_CONTEXT ctx) {
    const S zero = DS_VODE(number)(0), one = DS_VODE(number)(1), *f = (const S *)s->f;
    S *y = (S *)s->y, *diagonal = (S *)s->diagonal;
    ++s->jacobian_count;
    s->jacobian_fresh = 1;
    s->h_diagonal = s->h * s->l1_inverse;
    const R along = s->l1_inverse * DS_VODE_DIAGONAL_MOVE;
    for (ds_int i = 0; i < p->n; ++i)
        y[i] = DS_VODE(combined)(y[i], DS_VODE(functional)(p, s, i), along);
    if (DS_VODE(evaluate)(s, s->t, s->diagonal, ctx)) return DS_VODE_STOPPED;
    for (ds_int i = 0; i < p->n; ++i) {
        const S full = DS_VODE(functional)(p, s, i);
        const S part = DS_VODE(combined)(zero, full, DS_VODE_DIAGONAL_MOVE);
        const S change = DS_VODE(combined)(diagonal[i], f[i], -1);
        const S left = DS_VODE(combined)(part, change, -s->h);
        diagonal[i] = one;
        if (DS_VODE(size)((const R *)&full, 0) < DS_EPS / s->weight[i]) continue;
        if (DS_VODE(size)((const R *)&left, 0) == 0) return DS_VODE_CONVERGENCE;
        diagonal[i] = DS_VODE(quotient)(part, left);
    }
    return DS_VODE_OK;
}

/* A new matrix for this h. 0, DS_VODE_STOPPED or, singular, DS_VODE_CONVERGENCE. */
DS_FN int DS_VODE(make_matrix)(const ds_vode_problem *p, ds_vode_state *s, DS_VODE_CONTEXT ctx) {
    const int code = p->iteration == DS_VODE_DIAGONAL ? DS_VODE(make_diagonal)(p, s, ctx)
                                                      : DS_VODE(make_chord)(p, s, ctx);
    s->matrix_due = 0;
    s->ratio = 1;
    s->drift = 0;
    s->rate = 1;
    s->matrix_step = s->step_count;
    return code;
}

/* The diagonal follows h / l_1 without a new evaluation. */
DS_FN int DS_VODE(solve_diagonal)(const ds_vode_problem *p, ds_vode_state *s) {
    S *y = (S *)s->y, *diagonal = (S *)s->diagonal;
    const S zero = DS_VODE(number)(0), one = DS_VODE(number)(1);
    const R h = s->h * s->l1_inverse, before = s->h_diagonal;
    s->h_diagonal = h;
    if (h != before)
        for (ds_int i = 0; i < p->n; ++i) {
            const S part = DS_VODE(combined)(one, DS_VODE(quotient)(one, diagonal[i]), -1);
            const S left = DS_VODE(combined)(one, DS_VODE(combined)(zero, part, h / before), -1);
            if (DS_VODE(size)((const R *)&left, 0) == 0) return DS_VODE_CONVERGENCE;
            diagonal[i] = DS_VODE(quotient)(one, left);
        }
    for (ds_int i = 0; i < p->n; ++i) y[i] = S_TIMES(diagonal[i], y[i]);
    return DS_VODE_OK;
}

/* --- The corrector (dvnlsd) ------------------------------------------------------------------- */

/* One functional iteration: the weighted norm of the change. */
DS_FN R DS_VODE(correct_functional)(const ds_vode_problem *p, ds_vode_state *s) {
    const ds_int m = DS_WIDTH(p);
    const R *z = s->history, *z1 = z + m;
    for (ds_int i = 0; i < m; ++i) {
        s->f[i] = s->l1_inverse * (s->h * s->f[i] - z1[i]);
        s->y[i] = s->f[i] - s->correction[i];
    }
    const R change = DS_VODE(norm)(p->n, s->y, s->weight);
    for (ds_int i = 0; i < m; ++i) {
        s->y[i] = z[i] + s->f[i];
        s->correction[i] = s->f[i];
    }
    return change;
}

/* One chord iteration; DS_VODE_OK, or DS_VODE_AGAIN when the diagonal is singular. BDF's change is
 * scaled for the difference between h / l_1 now and that of the matrix ([BBH], section 3). */
DS_FN int DS_VODE(correct_chord)(const ds_vode_problem *p, ds_vode_state *s, R *change,
                                 DS_VODE_CONTEXT ctx) {
    const ds_int m = DS_WIDTH(p);
    const R *z = s->history, *z1 = z + m;
    R *y = s->y, *e = s->correction;
    const R h = s->l1_inverse * s->h;
    for (ds_int i = 0; i < m; ++i) y[i] = h * s->f[i] - (s->l1_inverse * z1[i] + e[i]);
    int singular = 0;
    if (p->iteration == DS_VODE_DIAGONAL)
        singular = DS_VODE(solve_diagonal)(p, s);
    else
        DS_SOLVE(ctx, y);
    ++s->iteration_count;
    if (singular) return DS_VODE_AGAIN;
    if (p->family == DS_VODE_BDF && s->ratio != 1) {
        const R scale = 2.0 / (1.0 + s->ratio);
        for (ds_int i = 0; i < m; ++i) y[i] = scale * y[i];
    }
    *change = DS_VODE(norm)(p->n, y, s->weight);
    for (ds_int i = 0; i < m; ++i) {
        e[i] = e[i] + y[i];
        y[i] = z[i] + e[i];
    }
    return DS_VODE_OK;
}

/* Corrections until they converge, at most DS_VODE_ITERATION_MAX; f holds the derivative at the
 * prediction. DS_VODE_OK, DS_VODE_AGAIN or DS_VODE_STOPPED. */
DS_FN int DS_VODE(iterate)(const ds_vode_problem *p, ds_vode_state *s, DS_VODE_CONTEXT ctx) {
    const R bound = DS_VODE_ITERATION_TEST * s->test;
    R change = 0, change_before = 0;
    for (ds_int i = 0; i < DS_WIDTH(p); ++i) s->correction[i] = 0;
    for (int k = 0;;) {
        if (p->iteration == DS_VODE_FUNCTIONAL)
            change = DS_VODE(correct_functional)(p, s);
        else if (DS_VODE(correct_chord)(p, s, &change, ctx))
            return DS_VODE_AGAIN;
        if (k > 0) s->rate = ds_number_max(DS_VODE_RATE_KEPT * s->rate, change / change_before);
        if (change * ds_number_min(1.0, s->rate) / bound <= 1.0) {
            s->error = k == 0 ? change : DS_VODE(norm)(p->n, s->correction, s->weight);
            return DS_VODE_OK;
        }
        ++k;
        if (k == DS_VODE_ITERATION_MAX || (k >= 2 && change > DS_VODE_DIVERGES * change_before))
            return DS_VODE_AGAIN;
        change_before = change;
        if (DS_VODE(evaluate)(s, s->t, s->f, ctx)) return DS_VODE_STOPPED;
    }
}

/* Does the matrix serve for this h? */
DS_FN void DS_VODE(judge_matrix)(const ds_vode_problem *p, ds_vode_state *s) {
    if (p->iteration == DS_VODE_FUNCTIONAL) {
        s->rate = 1;
        return;
    }
    s->drift = ds_abs(s->ratio - 1.0);
    if (s->drift > DS_VODE_MATRIX_DRIFT || s->step_count >= s->matrix_step + DS_VODE_MATRIX_AGE)
        s->matrix_due = 1;
}

/* The corrector, with a new matrix where it is due or where an old one has failed. DS_VODE_OK,
 * DS_VODE_CONVERGENCE or DS_VODE_STOPPED. */
DS_FN int DS_VODE(correct)(const ds_vode_problem *p, ds_vode_state *s, DS_VODE_CONTEXT ctx) {
    DS_VODE(judge_matrix)(p, s);
    for (;;) {
        ds_copy(DS_WIDTH(p), s->history, s->y);
        if (DS_VODE(evaluate)(s, s->t, s->f, ctx)) return DS_VODE_STOPPED;
        int code = DS_VODE_OK;
        if (s->matrix_due) {
            code = DS_VODE(make_matrix)(p, s, ctx);
            if (code == DS_VODE_STOPPED) return code;
        }
        if (code == DS_VODE_OK) code = DS_VODE(iterate)(p, s, ctx);
        if (code == DS_VODE_STOPPED) return code;
        if (code == DS_VODE_OK) {
            s->jacobian_fresh = s->trouble = 0;
            return code;
        }
        const int again = code == DS_VODE_AGAIN && p->iteration != DS_VODE_FUNCTIONAL &&
                          !s->jacobian_fresh;
        s->trouble = again ? 1 : 2;
        s->matrix_due = p->iteration != DS_VODE_FUNCTIONAL;
        if (!again) return DS_VODE_CONVERGENCE;
    }
}

/* --- The step (dvstep) ------------------------------------------------------------------------ */

/* After several failed error tests at order 1: begin anew from a derivative. (It is taken where the
 * corrector stands, as VODE does.) */
DS_FN int DS_VODE(restart)(const ds_vode_problem *p, ds_vode_state *s, DS_VODE_CONTEXT ctx) {
    const ds_int m = DS_WIDTH(p);
    s->h = s->h * s->growth;
    s->h_scaled = s->tau[0] = s->h;
    if (DS_VODE(evaluate)(s, s->t, s->f, ctx)) return DS_VODE_STOPPED;
    for (ds_int i = 0; i < m; ++i) s->history[m + i] = s->h * s->f[i];
    s->patience = 10;
    return DS_VODE_OK;
}

/* The error test failed for the `failures`-th time with this error over its bound: a smaller step,
 * after a while of lower order. */
DS_FN int DS_VODE(after_rejection)(const ds_vode_problem *p, ds_vode_state *s, int failures,
                                   R error, DS_VODE_CONTEXT ctx) {
    const ds_int m = DS_WIDTH(p);
    ++s->rejection_count;
    if (ds_vode_at_h_min(p, s) || failures == DS_VODE_REJECTION_MAX) return DS_VODE_ERROR_TESTS;
    s->growth_max = 1;
    s->matrix_due = p->iteration != DS_VODE_FUNCTIONAL;
    if (failures < DS_VODE_RESTART_AFTER) {
        const R growth = ds_vode_bounded(p, s, ds_vode_growth_same(error, s->order));
        s->growth = ds_number_max(growth, DS_VODE_LEAST_GROWTH);
        if (failures >= 2 && s->growth > DS_VODE_REJECTED_GROWTH)
            s->growth = DS_VODE_REJECTED_GROWTH;
    } else {
        s->growth = ds_vode_bounded(p, s, DS_VODE_LEAST_GROWTH);
        if (s->order == 1) return DS_VODE(restart)(p, s, ctx);
        ds_vode_lower_order(p, s, m);
        s->patience = s->order + 1;
    }
    ds_vode_rescale(s, m);
    return DS_VODE_OK;
}

/* Growth at the order below and above, 0 where there is none. */
DS_FN R DS_VODE(growth_below)(const ds_vode_problem *p, const ds_vode_state *s) {
    if (s->order == 1) return 0;
    const R *last = s->history + s->order * DS_WIDTH(p);
    return ds_vode_growth_lower(DS_VODE(norm)(p->n, last, s->weight) / s->test_lower, s->order);
}

DS_FN R DS_VODE(growth_above)(const ds_vode_problem *p, const ds_vode_state *s) {
    if (!ds_vode_may_rise(p, s)) return 0;
    const R share = ds_vode_saved_share(s);
    const R *saved = s->history + p->order_max * DS_WIDTH(p);
    for (ds_int i = 0; i < DS_WIDTH(p); ++i) s->f[i] = s->correction[i] - share * saved[i];
    return ds_vode_growth_higher(DS_VODE(norm)(p->n, s->f, s->weight) / s->test_higher, s->order);
}

/* After a step with this error over its bound: step size and order of the next. */
DS_FN void DS_VODE(choose)(const ds_vode_problem *p, ds_vode_state *s, R error) {
    if (s->growth_max == 1) { /* there were failures: let it rest */
        if (s->patience < 2) s->patience = 2;
        ds_vode_keep_step(s);
        return;
    }
    const int order = s->order;
    const R same = ds_vode_growth_same(error, order);
    if (s->patience != 0) {
        ds_vode_take_choice(p, s, order, same);
        return;
    }
    s->patience = 2;
    const R below = DS_VODE(growth_below)(p, s), above = DS_VODE(growth_above)(p, s);
    if (same >= above && same >= below)
        ds_vode_take_choice(p, s, order, same);
    else if (same < above && above > below) {
        ds_copy(DS_WIDTH(p), s->correction, s->history + p->order_max * DS_WIDTH(p));
        ds_vode_take_choice(p, s, order + 1, above);
    } else
        ds_vode_take_choice(p, s, order - 1, below);
}

/* The Taylor series at t + h, and the formula that corrects it. */
DS_FN void DS_VODE(predict)(const ds_vode_problem *p, ds_vode_state *s) {
    s->t = s->t + s->h;
    ds_nordsieck_predict(s->history, DS_WIDTH(p), s->order);
    ds_vode_set_formula(p, s);
    s->l1_inverse = 1.0 / s->l[1];
    s->ratio = s->ratio * (s->l1_inverse / s->l1_inverse_old);
    s->l1_inverse_old = s->l1_inverse;
}

/* Predict and correct until the error test is passed, then accept. DS_VODE_OK, or why not; the
 * history then is that of the last step. */
DS_FN int DS_VODE(advance)(const ds_vode_problem *p, ds_vode_state *s, DS_VODE_CONTEXT ctx) {
    const ds_int m = DS_WIDTH(p);
    const R t = s->t;
    int divergences = 0, rejections = 0;
    s->jacobian_fresh = s->trouble = 0;
    if (s->resize) ds_vode_resize(p, s, m);
    for (;;) {
        DS_VODE(predict)(p, s);
        int code = DS_VODE(correct)(p, s, ctx);
        const R error = s->error / s->test;
        if (code == DS_VODE_OK && error <= 1.0) {
            ds_vode_accept(p, s, m);
            DS_VODE(choose)(p, s, error);
            break;
        }
        ds_vode_retract(s, m, t);
        if (code == DS_VODE_CONVERGENCE)
            code = ds_vode_after_divergence(p, s, m, ++divergences);
        else if (code == DS_VODE_OK)
            code = DS_VODE(after_rejection)(p, s, ++rejections, error, ctx);
        if (code) return code;
    }
    s->growth_max = DS_VODE_USUAL_GROWTH;
    return DS_VODE_OK;
}

/* --- Calls ------------------------------------------------------------------------------------ */

/* The first step's size (dvhin): from |y''| by a difference of derivatives, in at most four
 * iterations. Row 1 of the history holds the derivative. 0 or why there is none. */
DS_FN int DS_VODE(first_step)(const ds_vode_problem *p, ds_vode_state *s, R t_out,
                              DS_VODE_CONTEXT ctx) {
    const ds_int n = p->n, m = DS_WIDTH(p);
    const R *z = s->history, *z1 = z + m, t = s->t;
    R *moved = s->correction;
    const R distance = ds_abs(t_out - t);
    const R rounding = DS_EPS * ds_number_max(ds_abs(t), ds_abs(t_out));
    if (distance < 2.0 * rounding) return DS_VODE_ILLEGAL;
    const R low = 100.0 * rounding;
    R high = 0.1 * distance;
    for (ds_int i = 0; i < n; ++i) {
        const R room = 0.1 * DS_VODE(size)(z, i) + p->atol[i * p->atol_stride];
        const R slope = DS_VODE(size)(z1, i);
        if (slope * high > room) high = room / slope;
    }
    R guess = ds_sqrt(low * high), h = guess;
    for (int k = 1; !(high < low); ++k) {
        const R signed_guess = t_out - t < 0 ? -guess : guess;
        for (ds_int i = 0; i < m; ++i) s->y[i] = z[i] + signed_guess * z1[i];
        if (DS_VODE(evaluate)(s, t + signed_guess, moved, ctx)) return DS_VODE_STOPPED;
        for (ds_int i = 0; i < m; ++i) moved[i] = (moved[i] - z1[i]) / signed_guess;
        const R found = ds_vode_step_of(DS_VODE(norm)(n, moved, s->weight), guess, high);
        const R ratio = found / guess;
        const int grows_back = k >= 2 && k < 4 && found > 2.0 * guess; /* the older one is safer */
        if (k == 4 || (ratio > 0.5 && ratio < 2.0) || grows_back) {
            h = 0.5 * (grows_back ? guess : found);
            h = ds_number_min(ds_number_max(h, low), high);
            break;
        }
        guess = found;
    }
    s->h = t_out - t < 0 ? -h : h;
    return DS_VODE_OK;
}

/* The first call: derivative, weights and first step size at (t, y). */
DS_FN int DS_VODE(start)(const ds_vode_problem *p, ds_vode_state *s, R t, R t_out,
                         DS_VODE_CONTEXT ctx) {
    const ds_int m = DS_WIDTH(p);
    if (!ds_vode_is_legal(p, t, t_out)) return DS_VODE_ILLEGAL;
    ds_vode_reset(p, s, t);
    if (DS_VODE(evaluate)(s, t, s->history + m, ctx)) return DS_VODE_STOPPED;
    ds_copy(m, s->y, s->history);
    if (!DS_VODE(set_weights)(p, s)) return DS_VODE_ILLEGAL;
    s->h = p->h0;
    if (s->h == 0) {
        const int code = DS_VODE(first_step)(p, s, t_out, ctx);
        if (code) return code;
    }
    const R over = p->h_max > 0 ? ds_abs(s->h) * (1.0 / p->h_max) : 0.0;
    if (over > 1.0) s->h = s->h / over;
    for (ds_int i = 0; i < m; ++i) s->history[m + i] = s->h * s->history[m + i];
    s->h_scaled = s->tau[0] = s->h_next = s->h;
    return DS_VODE_OK;
}

/* One step, if there is reason to take one: work and accuracy within bounds. */
DS_FN int DS_VODE(step)(const ds_vode_problem *p, ds_vode_state *s, DS_VODE_CONTEXT ctx) {
    int code = DS_VODE_OK;
    if (s->step_count - s->step_count_before >= p->step_max)
        code = DS_VODE_EXCESS_WORK;
    else if (s->started && !DS_VODE(set_weights)(p, s))
        code = DS_VODE_ZERO_WEIGHT;
    else {
        const R excess = DS_EPS * DS_VODE(norm)(p->n, s->history, s->weight);
        if (excess > 1.0) { /* nothing is left of the tolerance */
            s->excess = excess * 2.0;
            if (s->step_count == 0) return DS_VODE_ILLEGAL;
            code = DS_VODE_EXCESS_ACCURACY;
        } else
            code = DS_VODE(advance)(p, s, ctx);
    }
    if (code)
        ds_vode_output(s, DS_WIDTH(p));
    else
        s->started = 1;
    return code;
}

/* VODE's call: from (t, y) when it is the first or `anew`, else from where it is, to where `task`
 * says. At most `allowance` steps: after DS_VODE_RUNNING the caller calls again with the same
 * arguments. DS_VODE_DONE: the output is y at t_out; so it is, at the last step's end, after most
 * errors. */
DS_FN int DS_VODE(call)(const ds_vode_problem *p, ds_vode_state *s, int anew, R t, int task,
                        R t_out, ds_int allowance, DS_VODE_CONTEXT ctx) {
    int code = DS_VODE_OK;
    if (!s->underway) {
        s->t_out = t;
        if (anew) s->started = 0;
        if (!anew)
            code = ds_vode_resume(s, DS_WIDTH(p), task, t_out);
        else if (t_out == t)
            return DS_VODE_NOTHING_DONE;
        else
            code = DS_VODE(start)(p, s, t, t_out, ctx);
    }
    while (code == DS_VODE_OK && allowance-- > 0) {
        code = DS_VODE(step)(p, s, ctx);
        if (code == DS_VODE_OK) code = ds_vode_arrive_by_step(s, DS_WIDTH(p), task, t_out);
    }
    s->underway = code == DS_VODE_OK;
    return code == DS_VODE_OK ? DS_VODE_RUNNING : code;
}

/* Component with the largest local error, the last of them, from 0 (imxer - 1). */
DS_FN ds_int DS_VODE(worst)(const ds_vode_problem *p, const ds_vode_state *s) {
    R largest = 0;
    ds_int worst = 0;
    for (ds_int i = 0; i < p->n; ++i) {
        const R size = DS_VODE(size)(s->correction, i) * s->weight[i];
        if (size >= largest) largest = size, worst = i;
    }
    return worst;
}

#undef DS_WIDTH
