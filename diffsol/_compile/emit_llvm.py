"""A `Program` as the text of one LLVM module with one function, the kernel."""

from __future__ import annotations

from dataclasses import dataclass

from diffsol._compile import loops, unroll
from diffsol._compile.writer import Writer


@dataclass(frozen=True)
class Module:
    """LLVM text, the arrays and functions that it declares as external, and how it was lowered."""

    text: str
    tables: dict
    externals: set
    unrolled: bool


def emit(program, name, unrolled) -> Module:
    """int32 name(double t, const double *y, double *out, const double *p) of a program.

    It returns 1 where the program's trap is set, and else 0. unrolled: element by element, or loops?
    """
    w = Writer()
    (unroll if unrolled else loops).lower(w, program)
    return Module(_assemble(w, name), w.tables, w.externals, unrolled)


def _assemble(w, name) -> str:
    head = (
        f"define i32 @{name}(double %t, ptr noalias readonly %y, ptr noalias %out, "
        "ptr noalias readonly %p) nounwind {"
    )
    return "\n".join(
        [
            *w.declarations.values(),
            *w.globals.values(),
            head,
            "entry:",
            *w.slots,
            *w.lines,
            "}",
            *w.metadata,
            "",
        ]
    )
