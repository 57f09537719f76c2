"""A solve at its beginning: the options of its method, checked in SciPy's order, and what SciPy's constructor calls."""

import numpy as np

from diffsol._engine import Function, Jacobian, LsodaJacobian, Run
from diffsol._methods.registry import METHODS
from diffsol.integrate import _options, _scipy


def start(name, fun, t0, tf, state, vectorized, args, options, make=Run):
    """A solve that stands at its beginning: what SciPy's constructor checks and calls is done."""
    begin = _start_lsoda if METHODS[name].starts_later else _start
    return begin(name, fun, t0, tf, state, vectorized, args, **options, make=make)


def is_refused(traits, state, options):
    """Options that the method cannot take, or not in this form: SciPy has errors for them."""
    if state.dtype.kind == "c" and not traits.complex_states:
        return True
    if np.ndim(options.get("rtol", 0.0)) and not traits.array_rtol:
        return True
    if traits.starts_later:
        band = (options.get("lband") or 0, options.get("uband") or 0)
        jac = options.get("jac")
        return not (jac is None or callable(jac)) or not all(_is_width(w, state.size) for w in band)
    sparsity = options.get("jac_sparsity")
    return sparsity is not None and np.shape(sparsity) != (state.size, state.size)


def _is_width(width, n):
    return isinstance(width, int | np.integer) and 0 <= width < n


def own_options(traits, options):
    """The options that the method has, in SciPy's order; a warning for all others."""
    own = {name: options[name] for name in traits.options if name in options}
    if len(own) < len(options):
        _options.warn_extraneous([name for name in options if name not in own])
    return own


def _start(
    name,
    fun,
    t0,
    tf,
    state,
    vectorized,
    args,
    max_step=np.inf,
    rtol=1e-3,
    atol=1e-6,
    first_step=None,
    jac=None,
    jac_sparsity=None,
    make=Run,
):
    """Check the options and evaluate `fun` at the start, as SciPy's constructor does."""
    if max_step is not np.inf:
        max_step = _options.check_max_step(max_step)
    rtol, atol = _options.check_tolerances(rtol, atol, state.size)
    if first_step is not None:
        try:
            first_step = _options.check_first_step(first_step, t0, tf)
        except Exception:
            # SciPy calls fun before it looks at first_step, so that errors of fun come first.
            fun(t0, state[:, np.newaxis] if vectorized else state, *args)
            raise
    traits = METHODS[name]
    rhs = Function(fun, args, state, traits.rhs_kind, vectorized, solver=name)
    jacobian = Jacobian(jac, jac_sparsity, args, state) if traits.implicit else None
    return make(name, rhs, t0, tf, state, rtol, atol, max_step, first_step, jacobian)


def _start_lsoda(
    name,
    fun,
    t0,
    tf,
    state,
    vectorized,
    args,
    first_step=None,
    min_step=0.0,
    max_step=np.inf,
    rtol=1e-3,
    atol=1e-6,
    jac=None,
    lband=None,
    uband=None,
    make=Run,
):
    """Check the options; `fun` is not called, as SciPy's constructor does not."""
    if first_step is not None:
        first_step = _options.check_first_step(first_step, t0, tf)
    if max_step is not np.inf:
        max_step = _options.check_max_step(max_step)
    if min_step < 0:
        raise ValueError("`min_step` must be nonnegative.")
    rtol, atol = _options.check_tolerances(rtol, atol, state.size)
    band = None if lband is None and uband is None else (int(lband or 0), int(uband or 0))
    rhs = Function(fun, args, state, METHODS[name].rhs_kind, vectorized, solver=name)
    jacobian = LsodaJacobian(jac, band, args, state)
    if min_step and not _scipy.keeps_least_step():
        min_step = 0.0
    tolerances = rtol, atol, max_step
    return make(name, rhs, t0, tf, state, *tolerances, first_step, jacobian, float(min_step))
