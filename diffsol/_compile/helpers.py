"""Helper functions in LLVM text that loop kernels call: sums in NumPy's order, inner products."""

from __future__ import annotations

from diffsol._compile.llvm_ops import emit_row
from diffsol._compile.writer import LLVM_TYPE, literal
from diffsol._graph.ops import COMPLEX, FLOAT

PAIR = "{ double, double }"

# The sum of n doubles from x on, as NumPy adds them (see sums.py). Eight partial sums are one
# vector; for complex numbers it holds four of them, and n counts doubles too.
PAIRWISE = """\
define internal {type} @{name}(ptr readonly %x, i64 %n) nounwind {{
entry:
  %long = icmp ugt i64 %n, 128
  br i1 %long, label %halve, label %block
halve:
  %middle = lshr i64 %n, 1
  %half = and i64 %middle, -8
  %rest = sub i64 %n, %half
  %xhalf = getelementptr inbounds double, ptr %x, i64 %half
  %left = call {type} @{name}(ptr %x, i64 %half)
  %right = call {type} @{name}(ptr %xhalf, i64 %rest)
{join}
  ret {type} %both
block:
  %whole = and i64 %n, -8
  %short = icmp eq i64 %whole, 0
  br i1 %short, label %tail, label %first
first:
  %begin = load <8 x double>, ptr %x, align 8
  br label %more
more:
  %i = phi i64 [ 8, %first ], [ %inext, %add ]
  %r = phi <8 x double> [ %begin, %first ], [ %rnext, %add ]
  %filled = icmp eq i64 %i, %whole
  br i1 %filled, label %reduce, label %add
add:
  %xi = getelementptr inbounds double, ptr %x, i64 %i
  %eight = load <8 x double>, ptr %xi, align 8
  %rnext = fadd <8 x double> %r, %eight
  %inext = add i64 %i, 8
  br label %more
reduce:
{reduce}
  br label %tail
{tail}
}}
"""

TAIL_REAL = """\
tail:
  %k = phi i64 [ 0, %block ], [ %whole, %reduce ], [ %knext, %one ]
  %sum = phi double [ -0.0, %block ], [ %total, %reduce ], [ %sumnext, %one ]
  %end = icmp eq i64 %k, %n
  br i1 %end, label %done, label %one
one:
  %xk = getelementptr inbounds double, ptr %x, i64 %k
  %value = load double, ptr %xk
  %sumnext = fadd double %sum, %value
  %knext = add i64 %k, 1
  br label %tail
done:
  ret double %sum"""

TAIL_COMPLEX = """\
tail:
  %k = phi i64 [ 0, %block ], [ %whole, %reduce ], [ %knext, %one ]
  %re = phi double [ -0.0, %block ], [ %totalre, %reduce ], [ %renext, %one ]
  %im = phi double [ -0.0, %block ], [ %totalim, %reduce ], [ %imnext, %one ]
  %end = icmp eq i64 %k, %n
  br i1 %end, label %done, label %one
one:
  %xk = getelementptr inbounds double, ptr %x, i64 %k
  %xk1 = getelementptr inbounds double, ptr %xk, i64 1
  %valuere = load double, ptr %xk
  %valueim = load double, ptr %xk1
  %renext = fadd double %re, %valuere
  %imnext = fadd double %im, %valueim
  %knext = add i64 %k, 2
  br label %tail
done:
  %pair = insertvalue { double, double } undef, double %re, 0
  %result = insertvalue { double, double } %pair, double %im, 1
  ret { double, double } %result"""

JOIN_COMPLEX = """\
  %leftre = extractvalue { double, double } %left, 0
  %leftim = extractvalue { double, double } %left, 1
  %rightre = extractvalue { double, double } %right, 0
  %rightim = extractvalue { double, double } %right, 1
  %bothre = fadd double %leftre, %rightre
  %bothim = fadd double %leftim, %rightim
  %pairre = insertvalue { double, double } undef, double %bothre, 0
  %both = insertvalue { double, double } %pairre, double %bothim, 1"""

# Inner product of n doubles: eight partial sums, then the rest.
DOT = """\
define internal double @dot_real(ptr readonly %a, ptr readonly %b, i64 %n) nounwind {{
entry:
  %whole = and i64 %n, -8
  br label %more
more:
  %i = phi i64 [ 0, %entry ], [ %inext, %add ]
  %r = phi <8 x double> [ zeroinitializer, %entry ], [ %rnext, %add ]
  %filled = icmp eq i64 %i, %whole
  br i1 %filled, label %reduce, label %add
add:
  %ai = getelementptr inbounds double, ptr %a, i64 %i
  %bi = getelementptr inbounds double, ptr %b, i64 %i
  %x = load <8 x double>, ptr %ai, align 8
  %y = load <8 x double>, ptr %bi, align 8
  %xy = fmul <8 x double> %x, %y
  %rnext = fadd <8 x double> %r, %xy
  %inext = add i64 %i, 8
  br label %more
reduce:
{reduce}
  br label %tail
tail:
  %k = phi i64 [ %whole, %reduce ], [ %knext, %one ]
  %sum = phi double [ %total, %reduce ], [ %sumnext, %one ]
  %end = icmp eq i64 %k, %n
  br i1 %end, label %done, label %one
one:
  %ak = getelementptr inbounds double, ptr %a, i64 %k
  %bk = getelementptr inbounds double, ptr %b, i64 %k
  %xk = load double, ptr %ak
  %yk = load double, ptr %bk
  %xyk = fmul double %xk, %yk
  %sumnext = fadd double %sum, %xyk
  %knext = add i64 %k, 1
  br label %tail
done:
  ret double %sum
}}
"""


def declare_malloc(w) -> None:
    w.declarations["malloc"] = "declare noalias ptr @malloc(i64) nounwind"
    w.declarations["free"] = "declare void @free(ptr) nounwind"


def pairwise_sum(w, pointer, count, dtype):
    """The sum of `count` float or complex elements from `pointer` on, in NumPy's order."""
    if dtype == FLOAT:
        w.globals["pairwise_real"] = PAIRWISE.format(
            type="double",
            name="pairwise_real",
            join="  %both = fadd double %left, %right",
            reduce=_add_lanes("total", range(8)),
            tail=TAIL_REAL,
        )
        return w.value(f"call double @pairwise_real(ptr {pointer}, i64 {count})")
    w.globals["pairwise_complex"] = PAIRWISE.format(
        type=PAIR,
        name="pairwise_complex",
        join=JOIN_COMPLEX,
        tail=TAIL_COMPLEX,
        reduce=_add_lanes("totalre", range(0, 8, 2)) + "\n" + _add_lanes("totalim", range(1, 8, 2)),
    )
    pair = w.value(f"call {PAIR} @pairwise_complex(ptr {pointer}, i64 {2 * count})")
    return tuple(w.value(f"extractvalue {PAIR} {pair}, {part}") for part in (0, 1))


def _add_lanes(total, lanes) -> str:
    """Text that adds lanes of %r pair by pair into %<total>."""
    lines, names = [], []
    for lane in lanes:
        names.append(f"%r{lane}")
        lines.append(f"  %r{lane} = extractelement <8 x double> %r, i64 {lane}")
    while len(names) > 1:
        pairs = [(names[i], names[i + 1]) for i in range(0, len(names), 2)]
        last = len(pairs) == 1
        names = [f"%{total}" if last else f"{a}s" for a, _ in pairs]
        lines += [
            f"  {name} = fadd double {a}, {b}" for name, (a, b) in zip(names, pairs, strict=True)
        ]
    return "\n".join(lines)


def dot(w, a, b, count, dtype):
    """The inner product (nothing is conjugated) of `count` elements from pointers a and b on."""
    if dtype == FLOAT:
        w.globals["dot_real"] = DOT.format(reduce=_add_lanes("total", range(8)))
        return w.value(f"call double @dot_real(ptr {a}, ptr {b}, i64 {count})")
    types = ["double"] * 2 if dtype == COMPLEX else [LLVM_TYPE[dtype]]
    zero = literal(0j if dtype == COMPLEX else 0, dtype)
    initial = list(zero) if dtype == COMPLEX else [zero]
    with w.loop(0, count, list(zip(types, initial, strict=True))) as loop:
        total = tuple(loop.now) if dtype == COMPLEX else loop.now[0]
        product = emit_row(
            w, "multiply", dtype, w.load(a, loop.index, dtype), w.load(b, loop.index, dtype)
        )
        total = emit_row(w, "add", dtype, total, product)
        loop.next = list(total) if dtype == COMPLEX else [total]
    return total
