"""Kernels of a record that another process has compiled, and those that the next one will find.

The cache's modules are loaded when a record is first looked for, which each record is once (`Record.look`).
"""

from __future__ import annotations

from types import SimpleNamespace

from diffsol._compile.locks import LOADING
from diffsol._engine import switch
from diffsol._engine.derived import JacobianKernel, ProductKernel

MOST_KEPT = 4  # kernels of one function, the newest ones


def open_record(record, role) -> bool:
    """Give a record the kernels that are kept for `role`, its code and how that is used; are there any?"""
    with LOADING:
        from diffsol._cache import files

    code, *use = role
    if code is None or files.folder() is None or switch.forced_form():
        return False
    with LOADING:
        from diffsol._cache import keys

    record.kept_as = keys.name_of(code, use)
    content = None if record.kept_as is None else files.read(record.kept_as)
    if content is not None:
        with LOADING:
            from diffsol._cache import entries

        record.variants.extend(_variant(kept, record) for kept in entries.unpack(content))
    return bool(record.variants)


def _variant(kept, record):
    from diffsol._engine.kernels import Variant

    with LOADING:
        from diffsol._trace.check import made_of

    variant = Variant(
        _loaded(kept.code),
        made_of(*kept.guards),
        kept.guards,
        kept.program,
        kept.n_params,
        kept.has_arrays,
        tell=lambda: keep(record),
    )
    if kept.jacobian is not None:
        variant.jacobian.give(JacobianKernel(kept.jacobian, _loaded(kept.jacobian.code), 0.0))
    if kept.product is not None:
        variant.product.give(ProductKernel(_loaded(kept.product)))
    return variant


def _loaded(code):
    """What stands for a compiled kernel: nothing was compiled for it here."""
    return SimpleNamespace(address=code.address, code=code, compile_ms=0.0)


def keep(record):
    """Write the record's kernels, with those derived from them, for other processes."""
    if record.kept_as is None:
        return
    with LOADING:
        from diffsol._cache import entries, files

    content = entries.pack([_kept(variant) for variant in record.variants[:MOST_KEPT]])
    if content:
        files.write(record.kept_as, content)


def _kept(variant):
    from diffsol._cache.entries import Kept, KeptJacobian

    exact, product = variant.jacobian.kernel, variant.product.kernel
    return Kept(
        variant.guards,
        variant.n_params,
        variant.has_arrays,
        variant.kernel.code,
        exact and KeptJacobian(exact.kernel.code, exact.start, exact.row, exact.full),
        product and product.kernel.code,
        lambda: variant.program,
    )


def forget(record):
    """The record's kernels are wrong: no other process shall find them."""
    if record.kept_as is None:
        return
    with LOADING:
        from diffsol._cache import files

    files.remove(record.kept_as)
