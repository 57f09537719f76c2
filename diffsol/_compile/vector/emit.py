"""A `Program` for several trajectories at once: as LLVM text, compiled for this CPU, or as C text.

    i64 name(ptr t, ptr y, ptr out, ptr p, ptr q)

t has W doubles, y a row of W doubles for each of the first n elements of the program's state, q one for each of
the others (a trajectory's own arguments), out one for each element of the output; p is the parameter block, the
same for all. All but p are aligned to a row. The result has a bit set for each lane in which the program's trap
is. A lane's numbers are the same bits whatever W is, and what else the lanes hold.
"""

from __future__ import annotations

import time

from diffsol._compile import cpu, plan
from diffsol._compile.emit_llvm import Module
from diffsol._compile.plan import LARGE_LINES, Effort
from diffsol._compile.vector.c_text import CModule, CText
from diffsol._compile.vector.elements import Lanes
from diffsol._compile.vector.llvm_text import LlvmModule, LlvmText
from diffsol._compile.vector.rows import Refused

WIDTHS = (1, 2, 4, 8)
# All is unrolled, and code generation is worse than linear: 1000 lines take 0.1 s, 8000 about 1 s, and they run
# as fast with less effort from the first limit on.
SMALL_LINES = 1_000
MOST_ELEMENTS = 20_000
ARGUMENTS = (
    "ptr noalias readonly %t, ptr noalias readonly %y, ptr noalias %out, "
    "ptr noalias readonly %p, ptr noalias readonly %q"
)


def emit_llvm(program, name, width, n) -> Module:
    """The kernel of a program for `width` lanes, n elements of whose state are the trajectory's."""
    module = LlvmModule(width)
    text = LlvmText(module)
    trap = _written(text, program, n)
    ended(text, trap)
    assembled = module.assembled(entry(name, ARGUMENTS), text.lines)
    return Module(assembled, {}, module.externals, unrolled=True)


def entry(name, arguments) -> str:
    """The head of a kernel."""
    return f"define i64 @{name}({arguments})"


def ended(text, trap) -> None:
    """Return the mask of the lanes in which the condition `trap` holds (None: in none)."""
    if trap is None:
        text.line("ret i64 0")
    else:
        mask = text.bit_mask(trap) if text.width > 1 else trap.name
        text.line(f"ret i64 {text.named(f'zext i{text.width} {mask} to i64')}")


def compile_lanes(program, width, n, name="lanes") -> cpu.CompiledKernel:
    """Compile a program for `width` lanes of this CPU. Raises `Refused` where it has no such kernel."""
    started = time.perf_counter()
    module = emit_llvm(program, name, width, n)
    lines = module.text.count("\n")
    image = cpu.machine_code(module, name, effort(lines))
    return cpu.CompiledKernel(program, name, module, image, (time.perf_counter() - started) * 1e3)


def effort(lines):
    if lines <= SMALL_LINES:
        return Effort("level1", 2)
    return Effort("level1" if lines <= LARGE_LINES else "peephole", 1)


def _written(text, program, n):
    """Write the body of the kernel; the condition of its trap, or None."""
    if plan.elements(program) > MOST_ELEMENTS:
        raise Refused(f"more than {MOST_ELEMENTS} operations for one trajectory")
    lanes = Lanes(text, program, n)
    for row, x in enumerate(lanes.outputs()):
        text.store_row(x, text.argument("out"), row)
    return lanes.trap()


def emit_c(programs, n, text_type=CText) -> str:
    """Kernels as one C text: M name(const V *t, const V *y, V *out, const R *p, const V *q) for each program
    by its name. text_type: `CText`, or one of its kind."""
    module = CModule()
    bodies = {}
    for name, program in programs.items():
        text = text_type(module)
        trap = _written(text, program, n)
        text.line(f"return {(text.truth(False) if trap is None else trap).name}")
        arguments = "const V *t, const V *y, V *out, const R *p, const V *q"
        bodies[f"DS_FN M {name}({arguments})"] = text.lines
    return module.assembled(bodies)
