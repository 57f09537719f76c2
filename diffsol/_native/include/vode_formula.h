/* vode_formula.h - VODE's formulas, whose coefficients follow the sizes of the last steps.
 *
 * With tau_i the sizes of the steps before and x = (t - t_n) / h, the corrector's polynomial is
 * e l(x), l(x) = sum of l_j x**j, in both families ([BBH], section 2; [B], section 3):
 *   Adams       l'(x) proportional to the product of 1 + x / xi_i, i = 1 ... q - 1, l(-1) = 0;
 *   BDF         l(x) = (1 + x / xi*) times that product, with the leading coefficient of the
 *               formula of constant step size ([J], fixed leading coefficient),
 * xi_i = (t_n - t_(n-i)) / h. References as in step_vode.h. */
#ifndef DS_VODE_FORMULA_H
#define DS_VODE_FORMULA_H
#include "vode_state.h"

/* The polynomial, of degree `degree` afterwards, is multiplied by 1 + x r. */
DS_FN void ds_vode_multiply(R *polynomial, int degree, R r) {
    for (int i = degree; i >= 1; --i) polynomial[i] = polynomial[i] + polynomial[i - 1] * r;
}

/* Integral of x**(k-1) p(x) from -1 to 0, apart from its sign, for `count` coefficients of p. */
DS_FN R ds_vode_integral(const R *polynomial, int count, int k) {
    R sum = 0, sign = 1;
    for (int i = 0; i < count; ++i) {
        sum = sum + sign * polynomial[i] / (i + k);
        sign = -sign;
    }
    return sum;
}

DS_FN void ds_vode_set_adams(ds_vode_state *s) {
    const int q = s->order;
    if (q == 1) {
        s->l[0] = s->l[1] = 1;
        s->test_lower = 1;
        s->test = 2;
        s->test_higher = 12;
        s->change_test = 1;
        return;
    }
    R p[DS_VODE_ORDERS + 1] = {1}, sum = s->h;
    for (int j = 1; j < q; ++j) {
        if (j == q - 1 && s->patience == 1)
            s->test_lower = p[q - 2] / (q * ds_vode_integral(p, q - 1, 2));
        ds_vode_multiply(p, j, s->h / sum);
        sum = sum + s->tau[j - 1];
    }
    const R whole = ds_vode_integral(p, q, 1), scale = 1.0 / whole, xi = sum / s->h;
    s->l[0] = 1;
    for (int i = 1; i <= q; ++i) s->l[i] = scale * p[i - 1] / i;
    s->test = xi * whole / ds_vode_integral(p, q, 2);
    s->change_test = xi / s->l[q];
    if (s->patience != 1) return;
    ds_vode_multiply(p, q, 1.0 / xi);
    s->test_higher = (q + 1) * whole / ds_vode_integral(p, q + 1, 2);
}

DS_FN void ds_vode_set_bdf(ds_vode_state *s) {
    const int q = s->order;
    R *l = s->l;
    R alpha = -1, alpha_hat = -1; /* alpha_0 of constant and of variable step size */
    R sum = s->h, r = 1, r_star = 1;
    l[0] = l[1] = 1;
    for (int i = 2; i <= q; ++i) l[i] = 0;
    if (q > 1) {
        for (int j = 1; j <= q - 2; ++j) {
            sum = sum + s->tau[j - 1];
            r = s->h / sum;
            alpha = alpha - 1.0 / (j + 1);
            ds_vode_multiply(l, j + 1, r);
        }
        alpha = alpha - 1.0 / q;
        r_star = -l[1] - alpha;
        sum = sum + s->tau[q - 2];
        r = s->h / sum;
        alpha_hat = -l[1] - r;
        ds_vode_multiply(l, q, r_star);
    }
    const R difference = 1.0 - alpha_hat + alpha, factor = 1.0 + q * difference;
    s->test = ds_abs(alpha * factor / difference);
    s->change_test = ds_abs(factor / (l[q] * r / r_star));
    if (s->patience != 1) return;
    const R alpha_lower = alpha + 1.0 / q, hat_lower = alpha_hat + r;
    s->test_lower = ds_abs(alpha_lower / (1.0 - hat_lower + alpha_lower) / (r_star / l[q]));
    sum = sum + s->tau[q - 1];
    r = s->h / sum;
    const R alpha_higher = alpha - 1.0 / (q + 1), hat_higher = alpha_hat - r;
    s->test_higher =
        ds_abs(factor / (1.0 - hat_higher + alpha_higher) * r * (q + 2) * alpha_higher);
}

/* The formula for the step to be tried (dvset). */
DS_FN void ds_vode_set_formula(const ds_vode_problem *p, ds_vode_state *s) {
    if (p->family == DS_VODE_ADAMS)
        ds_vode_set_adams(s);
    else
        ds_vode_set_bdf(s);
}

/* --- The history when the order changes (dvjust) ---------------------------------------------- */

/* x**first times the product of x + xi_i, i = 1 ... count, without its lower terms. */
DS_FN void ds_vode_product(const ds_vode_state *s, int first, int count, R *polynomial) {
    R sum = 0;
    for (int i = 0; i <= DS_VODE_ORDERS; ++i) polynomial[i] = 0;
    polynomial[first] = 1;
    for (int j = 1; j <= count; ++j) {
        sum = sum + s->tau[j - 1];
        const R xi = sum / s->h_scaled;
        for (int i = j + first; i >= first; --i)
            polynomial[i] = polynomial[i] * xi + polynomial[i - 1];
    }
}

/* One less: the polynomial of degree q - 1 through the same points, but for the oldest. */
DS_FN void ds_vode_lower_order(const ds_vode_problem *p, ds_vode_state *s, ds_int m) {
    const int q = s->order;
    s->order = q - 1;
    if (q == 2) return;
    R polynomial[DS_VODE_ORDERS + 1];
    ds_vode_product(s, p->family == DS_VODE_ADAMS ? 1 : 2, q - 2, polynomial);
    if (p->family == DS_VODE_ADAMS)
        for (int j = 2; j < q; ++j) polynomial[j] = q * polynomial[j - 1] / j;
    const R *last = s->history + q * m;
    for (int j = 2; j < q; ++j) {
        R *z = s->history + j * m;
        for (ds_int i = 0; i < m; ++i) z[i] = z[i] - last[i] * polynomial[j];
    }
}

/* One more: Adams appends a row of zeros, BDF a term made of the saved correction. */
DS_FN void ds_vode_raise_order(const ds_vode_problem *p, ds_vode_state *s, ds_int m) {
    const int q = s->order;
    R *next = s->history + (q + 1) * m;
    s->order = q + 1;
    if (p->family == DS_VODE_ADAMS) {
        for (ds_int i = 0; i < m; ++i) next[i] = 0;
        return;
    }
    R polynomial[DS_VODE_ORDERS + 1] = {0, 0, 1};
    R alpha = -1, alpha_now = 1, product = 1, xi_old = 1, sum = s->h_scaled;
    for (int j = 1; j < q; ++j) {
        sum = sum + s->tau[j];
        const R xi = sum / s->h_scaled;
        product = product * xi;
        alpha = alpha - 1.0 / (j + 1);
        alpha_now = alpha_now + 1.0 / xi;
        for (int i = j + 2; i >= 2; --i)
            polynomial[i] = polynomial[i] * xi_old + polynomial[i - 1];
        xi_old = xi;
    }
    const R factor = (-alpha - alpha_now) / product;
    const R *saved = s->history + p->order_max * m;
    for (ds_int i = 0; i < m; ++i) next[i] = factor * saved[i];
    for (int j = 2; j <= q; ++j) {
        R *z = s->history + j * m;
        for (ds_int i = 0; i < m; ++i) z[i] = z[i] + polynomial[j] * next[i];
    }
}

#endif
