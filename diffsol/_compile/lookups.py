"""What reads arrays where they lie: gathers, searches in sorted tables, systems of equations.

An index out of range goes to the nearest end, so that memory is safe whatever the numbers are; where
NumPy raises, the program's trap is set.
"""

from __future__ import annotations

from diffsol._compile.writer import MEMORY_TYPE
from diffsol._graph.ops import COMPLEX, FLOAT

# How many of n elements (element k is table[k * stride]) go before v: those that are less than it, or
# from the right those that are not greater. Bisection as in NumPy (npysort/binsearch.cpp): NaN goes last.
SEARCH = """\
define internal i64 @search_{side}(ptr readonly %table, i64 %n, i64 %stride, double %v) nounwind {{
entry:
  br label %more
more:
  %low = phi i64 [ 0, %entry ], [ %lownext, %look ]
  %high = phi i64 [ %n, %entry ], [ %highnext, %look ]
  %open = icmp slt i64 %low, %high
  br i1 %open, label %look, label %done
look:
  %gap = sub i64 %high, %low
  %half = lshr i64 %gap, 1
  %middle = add i64 %low, %half
  %place = mul i64 %middle, %stride
  %address = getelementptr inbounds double, ptr %table, i64 %place
  %x = load double, ptr %address
{before}
  %after = add i64 %middle, 1
  %lownext = select i1 %before, i64 %after, i64 %low
  %highnext = select i1 %before, i64 %high, i64 %middle
  br label %more
done:
  ret i64 %low
}}
"""
BEFORE = {
    "left": """\
  %less = fcmp olt double %x, %v
  %number = fcmp ord double %x, %x
  %nan = fcmp uno double %v, %v
  %numbernan = and i1 %number, %nan
  %before = or i1 %less, %numbernan""",
    "right": """\
  %notgreater = fcmp ole double %x, %v
  %nan = fcmp uno double %v, %v
  %before = or i1 %notgreater, %nan""",
}


def emit(w, node, table, scalar):
    """The element of a gather or a search, from the address of its table and its other input."""
    if node.op == "gather":
        size = node.inputs[0].size
        above = w.intrinsic("smax.i64", "i64", f"i64 {scalar}", "i64 0")
        return w.load(
            table, w.intrinsic("smin.i64", "i64", f"i64 {above}", f"i64 {size - 1}"), node.dtype
        )
    side, offset, stride, count = node.attrs
    name = f"search_{side}"
    w.globals[name] = SEARCH.format(side=side, before=BEFORE[side])
    first = w.address(table, offset, "double")
    return w.value(f"call i64 @{name}(ptr {first}, i64 {count}, i64 {stride}, double {scalar})")


def solve(w, node, a, b, where):
    """Store the solution of a system of linear equations (`ds_solve` in mathlib.c)."""
    n = node.inputs[0].shape[0]
    w.externals.add("ds_solve")
    w.declarations.setdefault(
        "ds_solve",
        "declare void @ds_solve(i64, i64, ptr, ptr, ptr, ptr) nounwind willreturn "
        "memory(argmem: readwrite)",
    )
    room_for_factors = room(w, n * n, FLOAT)
    w.line(
        f"call void @ds_solve(i64 {n}, i64 {node.size // n}, ptr {a}, ptr {b}, ptr {where}, "
        f"ptr {room_for_factors})"
    )


def room(w, size, dtype):
    """The address of memory for an array, on the stack."""
    slot = w.fresh("slot")
    element = "[2 x double]" if dtype == COMPLEX else MEMORY_TYPE[dtype]
    w.slots.append(f"  {slot} = alloca [{size} x {element}], align 16")
    return slot


def spilled(w, scalars, dtype):
    """The address of an array in memory that holds these scalars."""
    slot = room(w, len(scalars), dtype)
    for place, scalar in enumerate(scalars):
        w.store(scalar, slot, place, dtype)
    return slot
