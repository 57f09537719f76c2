"""The stepper headers need no C library, are C and C++; lanes have the bits of one value."""

import shutil
import subprocess
from pathlib import Path

import pytest

import diffsol._native

NATIVE = Path(diffsol._native.__file__).parent
METHODS = ("rk23", "rk45", "dop853")

# One instance of each method; the derivative is Lorenz's, or a rotation for complex states.
INSTANCE = """
typedef struct { V p; } context;
#define DS_ERK_CONTEXT const context *
#define DS_RHS(ctx, end, t, y, out) derivative(ctx, t, y, out)
DS_FN int derivative(const context *ctx, V t, const V *y, V *out) {
    (void)t;
    out[0] = DS_C(10.0) * (y[1] - y[0]);
    out[1] = y[0] * (ctx->p - y[2]) - y[1];
    out[2] = y[0] * y[1] - DS_C(8.0 / 3.0) * y[2];
    out[3] = DS_C(0.0) - y[2];
    return 0;
}
"""


def source(method):
    return f"""
#include "ds_lane.h"
{INSTANCE}
#include "../tables/{method}.h"
#define DS_ERK(name) real_##name
#define DS_COMPLEX 0
#include "step_erk.h"
#undef DS_ERK
#undef DS_COMPLEX
#define DS_ERK(name) complex_##name
#define DS_COMPLEX 1
#include "step_erk.h"
"""


USES = """
#ifdef __cplusplus
extern "C"
#endif
int use(const ds_problem *p, ds_step *s, V *y, V *w, V *K, V *q, const context *c) {
    if (real_initial(p, s, y, w, K, c) || complex_initial(p, s, y, w, K, c)) return 1;
    if (real_trial(p, s, y, w, K, c) || complex_trial(p, s, y, w, K, c)) return 1;
    if (real_dense(p, s->t, s->h, y, w, w, K, q, c)) return 1;
    if (complex_dense(p, s->t, s->h, y, w, w, K, q, c)) return 1;
    real_evaluate(p->n, s->t, s->h, y, q, s->t, w, 1);
    complex_evaluate(p->n, s->t, s->h, y, q, s->t, w, 2);
    return 0;
}
"""

FLAGS = ["-O2", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Wextra", "-Werror", "-Wno-psabi"]


def compile_c(folder, compiler, text, *flags, name="unit"):
    """Compile `text`; the path of what came out."""
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}")
    suffix = "cc" if compiler == "g++" else "c"
    (folder / f"{name}.{suffix}").write_text(text)
    command = [compiler, *FLAGS, f"-I{NATIVE / 'include'}", f"{name}.{suffix}", *flags, "-o", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / name


@pytest.mark.parametrize("lanes, columns", [(1, 0), (4, 0), (1, 1)])
@pytest.mark.parametrize("compiler, standard", [("gcc", "c11"), ("g++", "c++11"), ("g++", "c++20")])
@pytest.mark.parametrize("method", METHODS)
def test_freestanding(tmp_path, method, compiler, standard, lanes, columns):
    """Compiled without any C library header; what is left to link is mathematics."""
    if compiler == "g++" and lanes > 1:
        pytest.skip("lanes are C: gcc, clang")
    extra = ["-pedantic"] if lanes == 1 else ["-std=gnu11"]
    unit = compile_c(
        tmp_path, compiler, source(method) + USES, f"-std={standard}", *extra, "-ffreestanding",
        "-nostdlib", "-nostdinc", f"-DDS_LANES={lanes}", f"-DDS_COLUMNS={columns}", "-c",
    )  # fmt: skip
    symbols = subprocess.run(["nm", "-u", unit], capture_output=True, text=True, check=True).stdout
    undefined = {line.split()[-1].partition("@")[0] for line in symbols.splitlines()}
    assert undefined <= {"pow", "hypot", "memcpy", "memmove", "_GLOBAL_OFFSET_TABLE_"}


ROSENBROCK = """
typedef struct { V p; } context;
DS_FN int rhs(const context *c, V t, const V *y, V *out) { out[0] = c->p * y[0] + t; return 0; }
DS_FN int jacobian(const context *c, V t, const V *y, V *J, V *f_t) {
    J[0] = c->p * y[0];
    f_t[0] = t;
    return 0;
}
#define DS_ROS_CONTEXT const context *
#define DS_RHS(ctx, end, t, y, out) rhs(ctx, t, y, out)
#define DS_JACOBIAN(ctx, t, y, J, f_t) jacobian(ctx, t, y, J, f_t)
#define DS_ROS(name) one_##name
#define DS_ROOT(x, k) ds_root(x, k)
#include "../tables/rodas5p.h"
#include "step_rosenbrock.h"
#ifdef __cplusplus
extern "C"
#endif
int use(const ds_problem *p, ds_step *s, V *y, V *w, V *K, V *q, const context *c) {
    if (one_initial_step(p, 4, s->t, y, K, w, w, &s->h_abs, c)) return 1;
    if (one_trial(p, s, y, w, K, c)) return 1;
    if (one_dense(p, s->t, s->h, y, w, w, K, q, c)) return 1;
    one_evaluate(p->n, s->t, s->h, y, q, s->t, w, 1);
    return 0;
}
"""


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("compiler, standard", [("gcc", "c11"), ("g++", "c++11"), ("g++", "c++20")])
def test_rosenbrock_is_freestanding(tmp_path, compiler, standard, lanes):
    """With roots of our own no library is left to link."""
    if compiler == "g++" and lanes > 1:
        pytest.skip("lanes are C: gcc, clang")
    extra = ["-pedantic"] if lanes == 1 else ["-std=gnu11"]
    unit = compile_c(
        tmp_path, compiler, '#include "ds_root.h"\n' + ROSENBROCK, f"-std={standard}", *extra,
        "-ffreestanding", "-nostdlib", "-nostdinc", f"-DDS_LANES={lanes}", "-c",
    )  # fmt: skip
    symbols = subprocess.run(["nm", "-u", unit], capture_output=True, text=True, check=True).stdout
    undefined = {line.split()[-1].partition("@")[0] for line in symbols.splitlines()}
    assert undefined <= {"memcpy", "memmove", "_GLOBAL_OFFSET_TABLE_"}


HAIRER = """
#include "../tables/{table}.h"
#define DS_HAIRER(name) code_##name
#define DS_HAIRER_CONTEXT int
#define DS_RHS(ctx, t, y, out) ((out)[0] = (ctx) * (y)[0] + (t), 0)
#include "step_hairer.h"
#ifdef __cplusplus
extern "C"
#endif
int use(const ds_hairer_problem *p, ds_hairer_state *s) {{
    return code_start(p, s, 1) || code_trial(p, s, 1);
}}
"""


@pytest.mark.parametrize("compiler, standard", [("gcc", "c11"), ("g++", "c++11"), ("g++", "c++20")])
@pytest.mark.parametrize("table", ["rk45", "dop853"])
def test_hairers_codes_are_freestanding(tmp_path, table, compiler, standard):
    unit = compile_c(
        tmp_path, compiler, HAIRER.format(table=table), f"-std={standard}", "-pedantic",
        "-ffreestanding", "-nostdlib", "-nostdinc", "-c",
    )  # fmt: skip
    symbols = subprocess.run(["nm", "-u", unit], capture_output=True, text=True, check=True).stdout
    undefined = {line.split()[-1].partition("@")[0] for line in symbols.splitlines()}
    assert undefined <= {"pow", "memcpy", "memmove", "_GLOBAL_OFFSET_TABLE_"}


LU = """
#define DS_UNROLLED
#define DS_COMPLEX 0
#define DS_LU(name) real_##name
#include "lu_small.h"
#undef DS_COMPLEX
#undef DS_LU
#define DS_COMPLEX 1
#define DS_LU(name) complex_##name
#include "lu_small.h"
#ifdef __cplusplus
extern "C"
#endif
int use(int n, R *a, ds_pair *z, int *pivots, R *b, ds_pair *c) {
    const int zero = real_factor(n, a, pivots) + complex_factor(n, z, pivots);
    real_solve(n, a, pivots, b);
    complex_solve(n, z, pivots, c);
    return zero;
}
"""


@pytest.mark.parametrize("compiler, standard", [("gcc", "c11"), ("g++", "c++11"), ("g++", "c++20")])
def test_lu_is_freestanding(tmp_path, compiler, standard):
    unit = compile_c(
        tmp_path, compiler, LU, f"-std={standard}", "-pedantic", "-ffreestanding", "-nostdlib",
        "-nostdinc", "-c",
    )  # fmt: skip
    symbols = subprocess.run(["nm", "-u", unit], capture_output=True, text=True, check=True).stdout
    assert symbols.split() == []


LSODA = """
typedef struct { int unused; } context;
#include "ds_lane.h"
DS_FN int rhs(context *c, R t, const R *y, R *out) { out[0] = t * y[0]; return c->unused; }
#define DS_LSODA(name) one_##name
#define DS_LSODA_CONTEXT context *
#define DS_RHS(c, t, y, out) rhs(c, t, y, out)
#define DS_JAC(c, t, y, jac) DS_LSODA_DIFFERENCES
#define DS_FACTOR(c, m) ((m)[0] == -1)
#define DS_SOLVE(c, b) ((void)(c), (void)(b))
#include "step_lsoda.h"
#ifdef __cplusplus
extern "C"
#endif
int use(const ds_lsoda_problem *p, ds_lsoda_state *s, R *z, context *c) {
    const int code = one_call(p, s, 0, DS_LSODA_TO_TIME, 1, 0, 100, c);
    return code + (int)ds_lsoda_worst(p, s) + (ds_lsoda_dense(p, s, z) > 0);
}
"""


LSODA_COLUMNS = """
#define DS_COLUMNS 1
#define DS_RHS_ALL(c, t, y, out) DS_RHS(c, t, y, out)
#define DS_RHS_COLUMNS(c, t, y, out) DS_RHS(c, t, y, out)
#define DS_APART_BEGIN(c) (c)->unused
#define DS_APART_END(c) (c)->unused
"""


@pytest.mark.parametrize("columns", ["", LSODA_COLUMNS], ids=["plain", "columns"])
@pytest.mark.parametrize("compiler, standard", [("gcc", "c11"), ("g++", "c++11"), ("g++", "c++20")])
def test_lsoda_is_freestanding(tmp_path, compiler, standard, columns):
    unit = compile_c(
        tmp_path, compiler, columns + LSODA, f"-std={standard}", "-pedantic", "-ffreestanding", "-nostdlib",
        "-nostdinc", "-c",
    )  # fmt: skip
    symbols = subprocess.run(["nm", "-u", unit], capture_output=True, text=True, check=True).stdout
    undefined = {line.split()[-1].partition("@")[0] for line in symbols.splitlines()}
    assert undefined <= {"pow", "memcpy", "memmove", "_GLOBAL_OFFSET_TABLE_"}


VODE = """
typedef struct { int unused; } context;
#include "ds_lane.h"
DS_FN int rhs(context *c, R t, const R *y, R *out) { out[0] = t * y[0]; return c->unused; }
#define DS_VODE_CONTEXT context *
#define DS_RHS(c, t, y, out) rhs(c, t, y, out)
#define DS_JAC(c, t, y, jac) DS_VODE_DIFFERENCES
#define DS_FACTOR(c, scale, m) ((m)[0] == scale)
#define DS_SOLVE(c, b) ((void)(c), (void)(b))
#define DS_COMPLEX 0
#define DS_VODE(name) real_##name
#include "step_vode.h"
#undef DS_COMPLEX
#undef DS_VODE
#define DS_COMPLEX 1
#define DS_VODE(name) complex_##name
#include "step_vode.h"
#ifdef __cplusplus
extern "C"
#endif
int use(const ds_vode_problem *p, ds_vode_state *s, context *c) {
    return real_call(p, s, 1, 0, DS_VODE_TO_TIME, 1, 100, c) + (int)real_worst(p, s) +
           complex_call(p, s, 1, 0, DS_VODE_TO_TIME, 1, 100, c) + (int)complex_worst(p, s);
}
"""


@pytest.mark.parametrize("compiler, standard", [("gcc", "c11"), ("g++", "c++11"), ("g++", "c++20")])
def test_vode_is_freestanding(tmp_path, compiler, standard):
    unit = compile_c(
        tmp_path, compiler, VODE, f"-std={standard}", "-pedantic", "-ffreestanding", "-nostdlib",
        "-nostdinc", "-c",
    )  # fmt: skip
    symbols = subprocess.run(["nm", "-u", unit], capture_output=True, text=True, check=True).stdout
    undefined = {line.split()[-1].partition("@")[0] for line in symbols.splitlines()}
    allowed = {"pow", "hypot", "sqrt", "memset", "memcpy", "memmove", "_GLOBAL_OFFSET_TABLE_"}
    assert undefined <= allowed


# The implicit methods: one instance of each, with a context that does nothing.
IMPLICIT = """
typedef struct { R p; } context;
#define DS_RHS(ctx, end, t, y, out) derivative(ctx, t + (R)(int)(end), y, out)
#define DS_BDF_CONTEXT const context *
#define DS_RADAU_CONTEXT const context *
DS_FN int derivative(const context *ctx, R t, const R *y, R *out) {
    out[0] = ctx->p * y[0] + t;
    out[1] = y[1];
    return 0;
}
DS_FN int nothing(const context *ctx, const R *y) { return ctx->p == y[0]; }
#define DS_SCALE(ctx) 0
#define DS_SOLVE(ctx, b, tol) (nothing(ctx, b) + (tol < 0))
#define DS_FACTOR(ctx, c) nothing(ctx, &(c))
#define DS_JACOBIAN(ctx, end, t, y) nothing(ctx, y)
#define DS_BDF(name) real_##name
#define DS_COMPLEX 0
#include "step_bdf.h"
#undef DS_BDF
#undef DS_COMPLEX
#define DS_BDF(name) complex_##name
#define DS_COMPLEX 1
#include "step_bdf.h"
#undef DS_COMPLEX
#undef DS_FACTOR
#undef DS_JACOBIAN
DS_FN int factor(const context *ctx, R real, R re, R im) { return ctx->p == real + re + im; }
#define DS_FACTOR(ctx, real, re, im) factor(ctx, real, re, im)
#define DS_JACOBIAN(ctx, end, t, y, f) nothing(ctx, f)
#define DS_SOLVE_REAL(ctx, b) nothing(ctx, b)
#define DS_SOLVE_COMPLEX(ctx, b) nothing(ctx, b)
#define DS_RADAU(name) radau_##name
#include "step_radau.h"
#ifdef __cplusplus
extern "C"
#endif
int use(const ds_problem *p, ds_bdf *b, ds_radau *r, R *y, R *w, R *rows, const context *c) {
    real_begin(p, b, 0, y, w, 1, rows);
    complex_begin(p, b, 0, y, w, 1, rows);
    radau_begin(p, r, 0, 1, rows);
    real_dense(p, b, w);
    complex_dense(p, b, w);
    real_evaluate(p->n, w, 1, y, 1);
    complex_evaluate(p->n, w, 1, y, 2);
    radau_evaluate(p->n, 0, 1, y, rows, 1, w, 1);
    R h;
    return real_initial_step(p, 1, 0, y, w, rows, w, &h, c) || real_trial(p, b, w, c) ||
           complex_initial_step(p, 1, 0, y, w, rows, w, &h, c) || complex_trial(p, b, w, c) ||
           radau_initial_step(p, 3, 0, y, w, rows, w, &h, c) || radau_trial(p, r, w, y, w, c) ||
           real_dense_size(b, p->n) == complex_dense_size(b, p->n);
}
"""


# With sensitivity columns behind the state.
COLUMNS = """
#define DS_COLUMNS 1
#define DS_RHS_ALL(ctx, end, t, y, out) DS_RHS(ctx, end, t, y, out)
#define DS_RHS_COLUMNS(ctx, end, t, y, out) DS_RHS(ctx, end, t, y, out)
#define DS_SOLVE_COLUMN(ctx, b, tol) DS_SOLVE(ctx, b, tol)
#define DS_SOLVE_COMPLEX_COLUMN(ctx, b) DS_SOLVE_COMPLEX(ctx, b)
#define DS_APART_BEGIN(ctx) nothing(ctx, &ctx->p)
#define DS_APART_END(ctx) nothing(ctx, &ctx->p)
"""


@pytest.mark.parametrize("columns", ["", COLUMNS], ids=["plain", "columns"])
@pytest.mark.parametrize("compiler, standard", [("gcc", "c11"), ("g++", "c++11"), ("g++", "c++20")])
def test_implicit_methods_are_freestanding(tmp_path, compiler, standard, columns):
    text = columns + IMPLICIT.replace("typedef struct", '#include "ds_lane.h"\ntypedef struct', 1)
    unit = compile_c(
        tmp_path, compiler, text,
        f"-std={standard}", "-pedantic", "-ffreestanding", "-nostdlib", "-nostdinc", "-c",
    )  # fmt: skip
    symbols = subprocess.run(["nm", "-u", unit], capture_output=True, text=True, check=True).stdout
    undefined = {line.split()[-1].partition("@")[0] for line in symbols.splitlines()}
    assert undefined <= {"pow", "hypot", "memcpy", "memmove", "memset", "_GLOBAL_OFFSET_TABLE_"}


# Solves four problems with different parameters at once or one by one and prints all bits.
DRIVER = """
#include <stdio.h>
#include <string.h>
static unsigned long long bits(double x) {
    unsigned long long b; memcpy(&b, &x, 8); return b;
}
#if DS_LANES == 1
#define LANE(v, k) (v)
#define SET(v, k, x) ((v) = (x))
#else
#define LANE(v, k) ((v)[k])
#define SET(v, k, x) ((v)[k] = (x))
#endif
enum { N = 4, ROWS = 16 };
static void solve(int first, double out[][N + 2]) {
    const double rtol = 1e-6, atol = 1e-9;
    V y[N], w[N], K[ROWS * N];
    context c;
    for (int k = 0; k < DS_LANES; ++k) SET(c.p, k, 20.0 + 3.0 * (first + k));
    for (int i = 0; i < N; ++i) y[i] = DS_C(1.0);
    ds_problem p;
    p.n = PARTS == 1 ? N : N / 2;
    p.rtol = &rtol; p.atol = &atol; p.rtol_stride = p.atol_stride = 0;
    p.t_bound = DS_C(2.0); p.direction = DS_C(1.0); p.max_step = DS_C(0.5);
    ds_step s;
    memset(&s, 0, sizeof s);
    derivative(&c, s.t, y, K + DS_ERK_STAGE_COUNT * N);
    NAME_initial(&p, &s, y, w, K, &c);
    V trials = DS_C(0.0);
    for (;;) {
        const M done = s.t >= p.t_bound;
        if (ds_all(done)) break;
        const ds_step before = s;
        NAME_trial(&p, &s, y, w, K, &c);
        const M take = ds_and(s.accepted, ds_not(done));
        for (int i = 0; i < N; ++i) y[i] = ds_sel(take, w[i], y[i]);
        trials = trials + ds_sel(done, DS_C(0.0), DS_C(1.0));
        s.t = ds_sel(take, s.t_new, before.t);
    }
    for (int k = 0; k < DS_LANES; ++k) {
        for (int i = 0; i < N; ++i) out[first + k][i] = LANE(y[i], k);
        out[first + k][N] = LANE(s.t, k);
        out[first + k][N + 1] = LANE(trials, k);
    }
}
int main(void) {
    double out[4][N + 2];
    for (int first = 0; first < 4; first += DS_LANES) solve(first, out);
    for (int k = 0; k < 4; ++k)
        for (int i = 0; i < N + 2; ++i) printf("%llx\\n", bits(out[k][i]));
    return 0;
}
"""


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("method", METHODS)
def test_lanes_have_the_bits_of_one_value(tmp_path, method, kind):
    driver = DRIVER.replace("PARTS", "1" if kind == "real" else "2").replace("NAME", kind)
    text = source(method) + driver
    results = []
    for lanes in (1, 4):
        program = compile_c(
            tmp_path, "gcc", text, "-std=gnu11", f"-DDS_LANES={lanes}", "-Wno-unused-function",
            "-lm", name=f"lanes{lanes}",
        )  # fmt: skip
        results.append(subprocess.run([program], capture_output=True, text=True, check=True).stdout)
    assert results[0] == results[1]
    assert len(results[0].split()) == 24
