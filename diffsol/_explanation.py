"""What `explain` finds out, and its ways of showing it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from diffsol._graph import show
from diffsol._graph.node import Program
from diffsol._trace.advice import advice
from diffsol._trace.reasons import REASONS, told_place

HELP = "python -m diffsol --about="
NOT_NATIVE = "not-native"


@dataclass(frozen=True)
class Explanation:
    """What `explain` found out.

    compiled : bool
    reason : str or None
        Code of the reason why not; ``python -m diffsol --about=CODE`` tells more.
    detail : str
        What in the function it is about.
    where : (file name, line, function name) or None
    hint : str or None
        The way to have it compiled.
    n_nodes : int
        Size of the graph: operators on whole arrays.
    n_parameters : int
        Numbers read from outside that may change without compiling anew.
    trace_ms, compile_ms : float
    python_us, kernel_us : float
        One evaluation as Python and compiled, microseconds (the latter called from Python, which costs
        a part of a microsecond that solvers do not pay).
    guards : tuple of str
        What it reads from outside, and what becomes of a kernel when that changes.
    solver : str or None
        The method, where SciPy's own solver runs it (reason "not-native"); None where it is native.
    jacobian : Explanation or None
        The same for the `jac` or `Dfun` that was given, if it is a function.
    events : tuple of Explanation
        The same for each event function.
    """

    name: str
    compiled: bool
    reason: str | None = None
    detail: str = ""
    where: tuple | None = None
    hint: str | None = None
    n_nodes: int = 0
    n_parameters: int = 0
    trace_ms: float = 0.0
    compile_ms: float = 0.0
    python_us: float = 0.0
    kernel_us: float = 0.0
    guards: tuple[str, ...] = ()
    solver: str | None = None
    jacobian: Explanation | None = None
    events: tuple[Explanation, ...] = ()
    program: Program | None = field(default=None, repr=False)

    def __str__(self):
        lines = [self._told()]
        if self.solver is not None:
            lines.append(f"  {REASONS[NOT_NATIVE].title}: {self.solver}; see {HELP}{NOT_NATIVE}")
        if self.jacobian is not None:
            lines.append(f"Jacobian {self.jacobian}")
        lines += [f"event {event}" for event in self.events]
        return "\n".join(lines)

    def _told(self):
        if self.compiled and self.program is None:
            return f"{self.name}: {self.detail}{self._costs()}"
        if self.compiled:
            return (
                f"{self.name}: compiled; {self.n_nodes} operators, {self.n_parameters} parameters, "
                f"traced in {self.trace_ms:.1f} ms, compiled in {self.compile_ms:.1f} ms{self._costs()}"
            )
        lines = [
            f"{self.name}: not compiled, called as Python",
            f"  why:   {REASONS[self.reason].title}",
        ]
        if self.detail:
            lines.append(f"  what:  {self.detail}")
        lines += told_place(self.where)
        lines += [f"  hint:  {self.hint}", *self._rewritten(), f"  see:   {HELP}{self.reason}"]
        return "\n".join(lines)

    def _costs(self):
        return f"\n  one evaluation: {self.python_us:.3g} us as Python, {self.kernel_us:.2g} us compiled"

    def _rewritten(self):
        """An example of what is not compiled and of what is."""
        example = advice(self.reason, self.detail).example
        if not example:
            return []
        before, after = example
        return [f"  e.g.   {before}", f"    ->   {after}"]

    # --- what is inside ---------------------------------------------------------------------------

    @property
    def graph(self) -> str:
        """The graph as text, an operator a line; empty where there is none."""
        return "" if self.program is None else show.show(self.program)

    def show(self) -> None:
        """Print the graph, and what is guarded."""
        print(self.graph or str(self))
        if self.guards:
            print("reads from outside:")
            print("\n".join(f"  {guard}" for guard in self.guards))

    def sparsity(self):
        """The pattern of the Jacobian with respect to y: a boolean array.

        Large ones are a ``scipy.sparse`` array. Raises ValueError for a function whose formula is not
        known: one that is not compiled, or is C code.
        """
        if self.program is None:
            raise ValueError(
                f"the Jacobian of {self.name} is not known: {self.reason or self.detail}"
            )
        from diffsol._graph.jacobian import pattern

        (row, column), rows = pattern(self.program), self.program.output.size
        shape = rows, int(np.prod(self.program.state_shape))
        if shape[0] * shape[1] > LARGEST_PATTERN:
            from scipy.sparse import csc_array

            return csc_array((np.ones(len(row), bool), (row, column)), shape=shape)
        found = np.zeros(shape, bool)
        found[row, column] = True
        return found

    def spy(self, ax=None, **options):
        """Draw the pattern of the Jacobian with matplotlib; returns the axes.

        ax: the axes to draw in (default: new ones); options: those of ``Axes.spy``.
        Raises ImportError without matplotlib, ValueError where `sparsity` does.
        """
        pattern = self.sparsity()
        if ax is None:
            try:
                import matplotlib.pyplot as plt
            except ImportError as error:
                raise ImportError(
                    "spy() draws with matplotlib: pip install 'diffsol[plot]'"
                ) from error
            ax = plt.figure().add_subplot()
        ax.spy(pattern, **{"markersize": 2, **options})
        filled = np.count_nonzero(pattern) if isinstance(pattern, np.ndarray) else pattern.nnz
        ax.set_title(f"Jacobian of {self.name}: {filled} of {pattern.shape[0] * pattern.shape[1]}")
        return ax


LARGEST_PATTERN = 10**6  # entries of an array that tells a pattern
