"""Write the coefficient headers: ``python -m diffsol._methods.emit``.

One header per method. It defines sums, not arrays, so that zero coefficients cost nothing and the
compiler sees constants; `K(r)` is a macro of the includer that names row r of the stage values.
Headers have no include guard, because a file may build several methods one after the other: each
begins with ``clear.h``, which takes back what the one before it defined.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

from .multistep import FAMILIES
from .registry import EXPLICIT, ROSENBROCK, Rosenbrock, RungeKutta
from .table import Row

TABLES = Path(__file__).parent.parent / "_native" / "tables"


def headers() -> dict[str, str]:
    """File name in ``tables/`` and text of every header."""
    methods = EXPLICIT | ROSENBROCK
    macros = {traits.name: _macros(traits) for traits in EXPLICIT.values()}
    macros |= {traits.name: _rosenbrock_macros(traits) for traits in ROSENBROCK.values()}
    texts = {f"{name.lower()}.h": _method_header(methods[name], macros[name]) for name in macros}
    names = sorted({name.partition("(")[0] for table in macros.values() for name in table})
    undefined = "".join(f"#undef {name}\n" for name in names)
    texts["clear.h"] = f"/* {WRITTEN_BY} */\n{undefined}"
    return texts | {"multistep.h": _multistep_header()}


WRITTEN_BY = "Written by diffsol/_methods/emit.py, do not edit."


def _method_header(traits: RungeKutta | Rosenbrock, macros: dict[str, str]) -> str:
    title = textwrap.fill(f"{traits.name}. {WRITTEN_BY} {traits.table.source}.", 96)
    title = title.replace("\n", "\n * ")
    defines = "".join(f"#define {name} {text}".rstrip() + "\n" for name, text in macros.items())
    return f'/* {title} */\n#include "clear.h"\n\n{defines}'


def _macros(traits: RungeKutta) -> dict[str, str]:
    """Name (with parameters) and replacement text of everything that a method's header defines."""
    table = traits.table
    macros = dict(_traits(traits))
    macros["DS_ERK_STAGES(X)"] = _list("X", _stage_rows(range(1, table.n_stages), table.C))
    for i in range(1, table.n_stages):
        macros[f"DS_ERK_A{i}(K)"] = _sum(table.A[i])
    macros["DS_ERK_B(K)"] = _sum(table.B)
    for estimate in table.estimates:
        macros[f"DS_ERK_{estimate.name}(K)"] = _sum(estimate.weights)
        if estimate.bhat:
            rows = ((str(r), _literal(w)) for r, w in enumerate(estimate.bhat) if w)
            macros[f"DS_ERK_{estimate.name}_BHAT(X)"] = _list("X", rows)
    extra = range(table.n_stages + 1, table.n_rows)
    macros["DS_ERK_EXTRA_STAGES(X)"] = _list("X", _stage_rows(extra, table.all_nodes))
    for i in extra:
        macros[f"DS_ERK_A{i}(K)"] = _sum(table.all_rows[i])
    return macros | _dense_macros(traits)


def _traits(traits: RungeKutta) -> Iterable[tuple[str, str]]:
    table = traits.table
    yield "DS_ERK_STAGE_COUNT", str(table.n_stages)
    yield "DS_ERK_ROW_COUNT", str(table.n_rows)
    yield "DS_ERK_EXTRA_COUNT", str(traits.extra_stages)
    yield "DS_ERK_DENSE_COUNT", str(traits.n_dense)
    yield "DS_ERK_ERROR_ORDER", str(table.error_estimator_order)
    if len(table.estimates) == 2:
        yield "DS_ERK_TWO_ESTIMATES", "1"
    if table.D:
        yield "DS_ERK_DENSE_NESTED", "1"


def _dense_macros(traits: RungeKutta) -> dict[str, str]:
    """P as one sum per power of x, or the rows D of a nested interpolant from the fourth on."""
    table = traits.table
    if table.D:
        sums = {i: _sum(row) for i, row in enumerate(table.D, start=3)}
    else:
        sums = {i: _sum(column) for i, column in enumerate(zip(*table.P, strict=True))}
    macros = {f"DS_ERK_P{i}(K)": text for i, text in sums.items()}
    macros["DS_ERK_DENSE_SUMS(X)"] = _list("X", ((str(i),) for i in sums))
    return macros


def _rosenbrock_macros(traits: Rosenbrock) -> dict[str, str]:
    """The same for a Rosenbrock method; rows of K are the U of _methods/rosenbrock.py."""
    table = traits.table
    stages = range(1, table.n_stages)
    macros = {
        "DS_ROS_STAGE_COUNT": str(table.n_stages),
        "DS_ROS_DENSE_COUNT": str(traits.n_dense),
        "DS_ROS_ERROR_ORDER": str(table.error_estimator_order),
        "DS_ROS_GAMMA": _literal(table.gamma),
        "DS_ROS_STAGES(X)": _list("X", _stage_rows(stages, table.nodes)),
        "DS_ROS_M(K)": _sum(table.M),
        "DS_ROS_E(K)": _sum(table.E),
    }
    for i, d in enumerate(table.D):
        macros[f"DS_ROS_D{i}(x)"] = f"+ {_literal(d)} * (x)" if d else ""
    for i in stages:
        macros[f"DS_ROS_A{i}(K)"] = _sum(table.A[i])
        macros[f"DS_ROS_C{i}(K)"] = _sum(table.C[i])
    for r, row in enumerate(table.H, start=1):
        macros[f"DS_ROS_H{r}(K)"] = _sum(row)
    sums = ((str(r),) for r in range(1, traits.n_dense))
    return macros | {"DS_ROS_DENSE_SUMS(X)": _list("X", sums)}


def _stage_rows(stages: Iterable[int], nodes: Row) -> Iterable[tuple[str, ...]]:
    return ((str(i), _literal(nodes[i])) for i in stages)


def _list(macro: str, rows: Iterable[tuple[str, ...]]) -> str:
    return _wrap([f"{macro}({', '.join(row)})" for row in rows], " ")


def _sum(weights: Iterable[Fraction]) -> str:
    """Left to right, the way in which SciPy's dot products add."""
    terms = [f"{_literal(w)} * K({r})" for r, w in enumerate(weights) if w]
    return f"({_wrap(terms, ' + ')})"


def _literal(value: Fraction) -> str:
    return f"DS_C({float(value)!r})"


def _wrap(parts: list[str], joint: str, width: int = 70) -> str:
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += (joint if len(lines) > 1 or lines[-1] else "") + part
    return " \\\n   ".join(lines)


def _multistep_header() -> str:
    """The formulas of step_lsoda.h, one initialiser a family: the order of a row is a variable there."""
    size = max(len(family.formulas) for family in FAMILIES)
    text = f"/* Adams-Moulton and BDF in Nordsieck form. {WRITTEN_BY}\n"
    text += " * The families' rows are orders 1, 2, ...; what the numbers mean: _methods/multistep.py. */\n"
    text += f"#define DS_MULTISTEP_ORDERS {size}\n"
    for family in FAMILIES:
        prefix = f"DS_{family.name.upper()}"
        text += f"#define {prefix}_ORDER_MAX {len(family.formulas)}\n"
        text += f"#define {prefix}_L {_rows(formula.l for formula in family.formulas)}\n"
        text += f"#define {prefix}_TESTS {_rows(formula.tests for formula in family.formulas)}\n"
    return text


def _rows(rows: Iterable[Iterable[float]]) -> str:
    lines = [_wrap([f"{value!r}," for value in row], " ").rstrip(",") for row in rows]
    return "{ \\\n   " + ", \\\n   ".join(f"{{{line}}}" for line in lines) + "}"


def main() -> None:
    for name, text in headers().items():
        (TABLES / name).write_text(text)


if __name__ == "__main__":
    main()
