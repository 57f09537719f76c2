/* See mathlib.h. What is not C's own is NumPy's: remainders take the divisor's sign. */
#include "mathlib.h"

#include <complex.h>
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- remainders: C's fmod, moved to the divisor's sign (NumPy's and Python's rule) ----------- */

static double ds_remainder(double a, double b)
{
    double mod = fmod(a, b);
    if (b == 0.0)
        return mod;                          /* NaN, with the invalid flag raised by fmod */
    if (mod == 0.0)
        return copysign(0.0, b);
    return ((b < 0.0) != (mod < 0.0)) ? mod + b : mod;
}

static double ds_floor_divide(double a, double b)
{
    double mod, div, whole;
    if (b == 0.0)
        return a / b;
    mod = fmod(a, b);
    div = (a - mod) / b;                     /* an integer but for rounding */
    if (mod != 0.0 && (b < 0.0) != (mod < 0.0))
        div -= 1.0;
    if (div == 0.0)
        return copysign(0.0, a / b);
    whole = floor(div);
    return div - whole > 0.5 ? whole + 1.0 : whole;
}

static int64_t ds_int_floor_divide(int64_t a, int64_t b)
{
    if (b == 0) {
        feraiseexcept(FE_DIVBYZERO);         /* NumPy: a warning, and zero */
        return 0;
    }
    if (b == -1)                             /* INT64_MIN / -1 traps */
        return (int64_t)(0 - (uint64_t)a);
    return a / b - ((a % b != 0) && ((a < 0) != (b < 0)));
}

static int64_t ds_int_remainder(int64_t a, int64_t b)
{
    int64_t mod;
    if (b == 0) {
        feraiseexcept(FE_DIVBYZERO);
        return 0;
    }
    if (b == -1)
        return 0;
    mod = a % b;
    return (mod != 0 && ((a < 0) != (b < 0))) ? mod + b : mod;
}

/* log(exp(x) + exp(y)) without overflow. */
static double ds_logaddexp(double x, double y)
{
    double d = x - y;
    if (x == y)
        return x + 0.693147180559945309417232121458176568;   /* log 2; also for equal infinities */
    if (d > 0)
        return x + log1p(exp(-d));
    if (d <= 0)
        return y + log1p(exp(d));
    return d;                                /* NaN */
}

/* --- systems of linear equations --------------------------------------------------------------- */

static void exchange(double *a, double *b, int64_t count)
{
    int64_t i;
    for (i = 0; i < count; i++) {
        double kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static int64_t pivot_row(const double *lu, int64_t n, int64_t j)
{
    int64_t best = j, i;
    for (i = j + 1; i < n; i++)
        if (fabs(lu[i * n + j]) > fabs(lu[best * n + j]))
            best = i;
    return best;
}

static double largest(const double *a, int64_t count)
{
    double found = 0.0;
    int64_t i;
    for (i = 0; i < count; i++)
        if (!(fabs(a[i]) <= found))
            found = fabs(a[i]);
    return found;
}

/* x := a^-1 b for a row-major n x n matrix and n x k right-hand sides, by Gaussian elimination with
   partial pivoting (Golub & Van Loan, Matrix Computations, 3.4.1). lu has n * n doubles. Where a pivot is
   no more than rounding errors the invalid flag is raised: LAPACK, which rounds differently, decides then
   whether the matrix is singular. */
static void ds_solve(int64_t n, int64_t k, const double *a, const double *b, double *x, double *lu)
{
    double threshold = largest(a, n * n) * 2.220446049250313e-16 * (double)n;
    int64_t i, j, c;
    memcpy(lu, a, (size_t)(n * n) * sizeof(double));
    memcpy(x, b, (size_t)(n * k) * sizeof(double));
    for (j = 0; j < n; j++) {
        int64_t p = pivot_row(lu, n, j);
        if (p != j) {
            exchange(lu + p * n, lu + j * n, n);
            exchange(x + p * k, x + j * k, k);
        }
        if (!(fabs(lu[j * n + j]) > threshold)) {
            feraiseexcept(FE_INVALID);
            return;
        }
        for (i = j + 1; i < n; i++) {
            double factor = lu[i * n + j] / lu[j * n + j];
            for (c = j + 1; c < n; c++)
                lu[i * n + c] -= factor * lu[j * n + c];
            for (c = 0; c < k; c++)
                x[i * k + c] -= factor * x[j * k + c];
        }
    }
    for (j = n - 1; j >= 0; j--)
        for (c = 0; c < k; c++) {
            x[j * k + c] /= lu[j * n + j];
            for (i = 0; i < j; i++)
                x[i * k + c] -= lu[i * n + j] * x[j * k + c];
        }
}

/* --- complex functions: C99's, through pairs ------------------------------------------------- */

#if defined(_MSC_VER)
typedef _Dcomplex ds_complex;
#define DS_COMPLEX(re, im) _Cbuild(re, im)
#else
typedef double _Complex ds_complex;
static ds_complex DS_COMPLEX(double re, double im)
{
    union { double parts[2]; ds_complex z; } u;  /* re + I*im would spoil infinities */
    u.parts[0] = re;
    u.parts[1] = im;
    return u.z;
}
#endif

#define COMPLEX_FUNCTION(name)                                        \
    static void ds_##name(double re, double im, double *out)          \
    {                                                                 \
        ds_complex z = name(DS_COMPLEX(re, im));                      \
        out[0] = creal(z);                                            \
        out[1] = cimag(z);                                            \
    }

COMPLEX_FUNCTION(csqrt)
COMPLEX_FUNCTION(cexp)
COMPLEX_FUNCTION(clog)
COMPLEX_FUNCTION(csin)
COMPLEX_FUNCTION(ccos)
COMPLEX_FUNCTION(ctan)
COMPLEX_FUNCTION(csinh)
COMPLEX_FUNCTION(ccosh)
COMPLEX_FUNCTION(ctanh)

static void multiply(double *x, double re, double im)
{
    double product = x[0] * re - x[1] * im;
    x[1] = x[0] * im + x[1] * re;
    x[0] = product;
}

/* z**n for 0 < n < 100 by repeated squaring, lowest bit first. */
static void integer_power(double re, double im, int n, double *out)
{
    double factor[2];
    int bit;
    factor[0] = re;
    factor[1] = im;
    out[0] = 1.0;
    out[1] = 0.0;
    for (bit = 1;; bit <<= 1) {
        if (n & bit)
            multiply(out, factor[0], factor[1]);
        if (bit > n / 2)
            return;
        multiply(factor, factor[0], factor[1]);
    }
}

/* z**w with NumPy's shortcuts: exact ones for zeros, products for small integer exponents. */
static void ds_cpow(double zr, double zi, double wr, double wi, double *out)
{
    ds_complex z;
    if (wr == 0.0 && wi == 0.0) {
        out[0] = 1.0;
        out[1] = 0.0;
        return;
    }
    if (zr == 0.0 && zi == 0.0) {
        if (wr > 0.0) {
            out[0] = out[1] = 0.0;
        } else {
            feraiseexcept(FE_INVALID);
            out[0] = out[1] = NAN;
        }
        return;
    }
    if (wi == 0.0 && wr == floor(wr) && wr > 0.0 && wr < 100.0) {
        integer_power(zr, zi, (int)wr, out);
        return;
    }
    z = cpow(DS_COMPLEX(zr, zi), DS_COMPLEX(wr, wi));
    out[0] = creal(z);
    out[1] = cimag(z);
}

/* LLVM calls it where the sine and the cosine of one number are wanted. */
static void ds_sincos(double x, double *sine, double *cosine)
{
    *sine = sin(x);
    *cosine = cos(x);
}

/* --- the table ------------------------------------------------------------------------------- */

typedef void (*function)(void);

static const struct { const char *name; function address; } TABLE[] = {
#define OWN(name) { #name, (function)name }
#define LIBM(name) { "ds_" #name, (function)name }
    LIBM(exp), LIBM(exp2), LIBM(expm1), LIBM(log), LIBM(log2), LIBM(log10), LIBM(log1p),
    LIBM(sin), LIBM(cos), LIBM(tan), LIBM(asin), LIBM(acos), LIBM(atan), LIBM(atan2),
    LIBM(sinh), LIBM(cosh), LIBM(tanh), LIBM(asinh), LIBM(acosh), LIBM(atanh),
    LIBM(pow), LIBM(cbrt), LIBM(hypot), LIBM(fmod), LIBM(erf), LIBM(erfc),
    OWN(ds_remainder), OWN(ds_floor_divide), OWN(ds_int_remainder), OWN(ds_int_floor_divide),
    OWN(ds_logaddexp), OWN(ds_csqrt), OWN(ds_cexp), OWN(ds_clog), OWN(ds_csin), OWN(ds_ccos),
    OWN(ds_solve), OWN(ds_ctan), OWN(ds_csinh), OWN(ds_ccosh), OWN(ds_ctanh), OWN(ds_cpow),
    /* what a compiler may call of its own accord */
    OWN(malloc), OWN(calloc), OWN(free), OWN(memcpy), OWN(memmove), OWN(memset), OWN(memcmp), OWN(fma),
    OWN(floor), OWN(ceil), OWN(trunc), OWN(rint), OWN(nearbyint), OWN(round), OWN(fmin), OWN(fmax),
    OWN(ldexp), OWN(sqrt), OWN(ds_sincos),
};

int ds_math_count(void)
{
    return (int)(sizeof TABLE / sizeof TABLE[0]);
}

const char *ds_math_name(int i)
{
    return TABLE[i].name;
}

void *ds_math_address(int i)
{
    return (void *)(uintptr_t)TABLE[i].address;
}
