"""All stages of an explicit Runge-Kutta method's trial as one kernel, with the right-hand side inlined in each.

Between two stages nothing need go through memory, and no call saves its registers: on small systems that is a third of
the time. The operations and their order are those of `DS_ERK(stages)` in step_erk.h, and so are the bits.
"""

from __future__ import annotations

import time

from diffsol._compile import cpu, plan
from diffsol._compile.emit_llvm import Module
from diffsol._compile.vector.elements import Lanes
from diffsol._compile.vector.emit import effort, ended, entry
from diffsol._compile.vector.llvm_text import LlvmModule, LlvmText

MOST_ELEMENTS = 2_000  # operations of all stages, beyond which calls do not show
ARGUMENTS = (
    "ptr noalias readonly %t, ptr noalias readonly %h, ptr noalias readonly %t_new, ptr noalias readonly %y, "
    "ptr noalias %y_new, ptr noalias %K, ptr noalias readonly %p, ptr noalias readonly %q"
)


def is_worth_while(program, table) -> bool:
    """Is the right-hand side so small that calling it takes time that shows?"""
    return plan.elements(program) * table.n_stages <= MOST_ELEMENTS


def seconds(program, table) -> float:
    """What compiling the stages will take, about."""
    return 0.005 + 2e-4 * plan.elements(program) * table.n_stages


def compile_stages(program, table, width, n, name="stages") -> cpu.CompiledKernel:
    """i64 name(t, h, t_new, y, y_new, K, p, q), see ens.h. table: a ButcherTable."""
    started = time.perf_counter()
    module = LlvmModule(width)
    text = LlvmText(module)
    trap = _Stages(text, program, table, n).write()
    ended(text, trap)
    assembled = module.assembled(entry(name, ARGUMENTS), text.lines)
    source = Module(assembled, {}, module.externals, unrolled=True)
    image = cpu.machine_code(source, name, effort(assembled.count("\n")))
    return cpu.CompiledKernel(program, name, source, image, (time.perf_counter() - started) * 1e3)


class _Stages:
    def __init__(self, text, program, table, n):
        self.text, self.program, self.table, self.n = text, program, table, n
        self.y = [text.load_row("%y", i) for i in range(n)]
        self.h, self.t = text.load_row("%h", 0), text.load_row("%t", 0)
        self.k = [[text.load_row("%K", i) for i in range(n)]]  # stages, by their numbers
        self.trap = None

    def write(self):
        """The condition under which a stage trapped, or None."""
        table = self.table
        for r in range(1, table.n_stages):
            sums = self._sums(table.A[r])
            at = [y if s is None else y + s * self.h for y, s in zip(self.y, sums, strict=True)]
            self._stage(r, self.t + float(table.C[r]) * self.h, at)
        ends = [y + self.h * s for y, s in zip(self.y, self._sums(table.B), strict=True)]
        for i, y in enumerate(ends):
            self.text.store_row(y, "%y_new", i)
        self._stage(table.n_stages, self.text.load_row("%t_new", 0), ends)
        return self.trap

    def _sums(self, weights):
        """For each component the sum of the stages so far with these weights; products added from the left."""
        return [self._sum(weights, i) for i in range(self.n)]

    def _sum(self, weights, i):
        total = None
        for weight, k in zip(weights, self.k, strict=False):
            if weight:
                term = float(weight) * k[i]
                total = term if total is None else total + term
        return total

    def _stage(self, r, t, y):
        lanes = Lanes(
            self.text, self.program, self.n, {("t", 0): t} | {("y", i): x for i, x in enumerate(y)}
        )
        values = lanes.outputs()
        for i, x in enumerate(values):
            self.text.store_row(x, "%K", r * self.n + i)
        self.k.append(values)
        trap = lanes.trap()
        if trap is not None:
            self.trap = trap if self.trap is None else self.trap | trap
