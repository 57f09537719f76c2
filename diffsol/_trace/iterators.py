"""Iterators of itertools, and NumPy's ways to call a function for each element or row."""

from __future__ import annotations

import itertools

import numpy as np

from diffsol._trace import attributes, calls, containers, world
from diffsol._trace.frames import Native
from diffsol._trace.guards import Outside, unpin
from diffsol._trace.numpy_map import HANDLERS
from diffsol._trace.numpy_map.registry import array_of, plain
from diffsol._trace.reasons import Refused
from diffsol._trace.scalars import MIXED, Scalar, traced_dtype
from diffsol._trace.values import Array, as_node, stack, wrap

MOST_ELEMENTS = 1000  # for each of which a function is called

# iterators that only iterate over what they are given, which are their first so many arguments (None: all)
PLAIN = {
    itertools.product: None,
    itertools.chain: None,
    itertools.zip_longest: None,
    itertools.combinations: 1,
    itertools.permutations: 1,
    itertools.combinations_with_replacement: 1,
    itertools.islice: 1,
    itertools.pairwise: 1,
    itertools.cycle: 1,
    itertools.repeat: 0,
    itertools.count: 0,
}


def _handler(kind, count):
    def handler(machine, *args, **kwargs):
        args = [
            containers.iterable_of(machine, a) if count is None or i < count else unpin(a)
            for i, a in enumerate(args)
        ]
        return kind(*args, **{key: unpin(a) for key, a in kwargs.items()})

    return handler


for _kind, _count in PLAIN.items():
    calls.SPECIAL[_kind] = _handler(_kind, _count)


@calls.special(itertools.chain.from_iterable)
def _chain_of(machine, iterables):
    return (
        x
        for part in containers.iterable_of(machine, iterables)
        for x in containers.iterable_of(machine, part)
    )


@calls.special(itertools.accumulate)
def _accumulate(machine, iterable, function=None, *, initial=None):
    def step(total, x):
        return total + x if function is None else calls.call(machine, function, [total, x], {})

    return itertools.accumulate(containers.iterable_of(machine, iterable), step, initial=initial)


@calls.special(itertools.starmap)
def _starmap(machine, function, iterable):
    return (
        calls.call(machine, function, list(containers.iterable_of(machine, values)), {})
        for values in containers.iterable_of(machine, iterable)
    )


# --- np.vectorize and np.apply_along_axis ----------------------------------------------------------------


@calls.special(np.vectorize)
def _vectorize(machine, pyfunc=None, otypes=None, **more):
    if pyfunc is None or any(value for value in more.values()):
        raise Refused("numpy-call", "np.vectorize with options")
    return Native(
        lambda *args, **kwargs: _call_vectorized(machine, pyfunc, unpin(otypes), args, kwargs)
    )


def _vectorized_outside(machine, outside, *args, **kwargs):
    """The call of an object of np.vectorize from outside."""
    value, trace = outside.value, machine.trace
    if value.signature is not None or value.excluded or value.cache:
        raise Refused("numpy-call", "np.vectorize with options")
    state = f"{outside.var}.signature is None and not {outside.var}.excluded"
    trace.reads.require(f"{state} and not {outside.var}.cache")
    trace.reads.require(f"{outside.var}.otypes == {value.otypes!r}")
    function = attributes.child(trace, outside, "pyfunc", value.pyfunc)
    return _call_vectorized(machine, function, value.otypes, args, kwargs)


def _call_vectorized(machine, function, otypes, args, kwargs):
    """The function at each element, which it meets as a Python number."""
    trace = machine.trace
    if kwargs or not args:
        raise Refused("numpy-call", "np.vectorize called with keywords")
    arrays = [array_of(trace, wrap(trace, as_node(trace, a))) for a in args]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    count = int(np.prod(shape, dtype=int))
    if not 0 < count <= MOST_ELEMENTS:
        raise Refused("numpy-call", f"np.vectorize of none or over {MOST_ELEMENTS} elements")
    columns = [HANDLERS[np.broadcast_to](trace, a, shape).flatten() for a in arrays]
    results = [
        calls.call(machine, function, [c[k].item() for c in columns], {}) for k in range(count)
    ]
    if any(isinstance(r, Scalar) and r.py == MIXED for r in results):
        raise Refused("numpy-call", "np.vectorize of a function whose results are not of one type")
    results = [as_node(trace, r) for r in results]
    if any(r.shape for r in results) or len({r.dtype for r in results}) > 1:
        # NumPy takes the type of the first for all
        raise Refused("numpy-call", "np.vectorize of a function whose results are not of one type")
    made = Array.of(trace, stack(trace, [Scalar(trace, r) for r in results])).reshape(shape)
    return made.astype(_otype(otypes)) if otypes else made


def _otype(otypes):
    kinds = [otypes] if isinstance(otypes, str) else list(otypes)
    if len(kinds) != 1:
        raise Refused("numpy-call", "np.vectorize with several results")
    return traced_dtype(kinds[0])


@calls.special(np.apply_along_axis)
def _apply_along_axis(machine, func1d, axis, arr, *args, **kwargs):
    trace = machine.trace
    arr = trace.local_copy(arr) if isinstance(arr, Outside) else arr
    arr, axis = array_of(trace, arr), plain(axis)
    arr, axis = arr._viewed(lambda a: a, readonly=True), axis % arr.ndim
    rows = HANDLERS[np.moveaxis](trace, arr, axis, -1)
    outer = rows.shape[:-1]
    rows = rows.reshape((-1, rows.shape[-1]))
    if not 0 < rows.shape[0] <= MOST_ELEMENTS:
        raise Refused("numpy-call", "np.apply_along_axis of none or of many rows")
    results = [calls.call(machine, func1d, [row, *args], kwargs) for row in rows]
    nodes = [as_node(trace, r) for r in results]
    if len({(n.dtype, n.shape) for n in nodes}) > 1:
        raise Refused("numpy-call", "np.apply_along_axis with results of several types")
    made = Array.of(trace, stack(trace, [wrap(trace, n) for n in nodes]))
    made = made.reshape((*outer, *nodes[0].shape))
    if nodes[0].ndim > 1:
        raise Refused("numpy-call", "np.apply_along_axis with results of several axes")
    return HANDLERS[np.moveaxis](trace, made, -1, axis) if nodes[0].ndim else made


# --- poly1d ----------------------------------------------------------------------------------------------


def _call_poly1d(machine, outside, x):
    """numpy/lib: poly1d.__call__ is polyval of its coefficients."""
    coefficients = attributes.child(machine.trace, outside, "coeffs", outside.value.coeffs)
    return HANDLERS[np.polyval](machine.trace, coefficients, x)


calls.OBJECTS |= {np.poly1d: _call_poly1d, np.vectorize: _vectorized_outside}


def _derived(machine, outside, name, args):
    """The polynomial that `.deriv()` or `.integ()` of one from outside gives: made anew by each guard."""
    if not all(type(unpin(a)) is int for a in args):
        raise Refused("numpy-call", f".{name}() with options")
    args, reads = tuple(unpin(a) for a in args), machine.trace.reads
    value = getattr(outside.value, name)(*args)
    expression = f"{outside.var}.{name}{args!r}"
    var = reads.read((outside.var, name, args), expression, value)
    return world.enter(machine.trace, value, var)


def derive_by_method(kind):
    """Polynomials of this class give others by their methods."""
    for name in ("deriv", "integ"):
        attributes.METHODS[kind, name] = lambda machine, outside, name=name: Native(
            lambda *args: _derived(machine, outside, name, args)
        )


derive_by_method(np.poly1d)
