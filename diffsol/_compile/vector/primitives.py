"""The operations of straight-line text, each once: their kinds, their LLVM text and their C text.

Kinds are those of `include/ds_lane.h`: V real numbers, M truth values, I integers of 64 bits, one for each
lane. Whatever else kernels compute (operators of the graph in `rows.py`, functions in `math`) is written in
these, so both texts do the same operations in the same order and give the same bits. Products and sums are
never contracted; where one rounding is wanted, `fma` says so.

In LLVM's text {V}, {M}, {I} are the types and {v}, {i} their names in intrinsics.
"""

from __future__ import annotations

from typing import NamedTuple


class Primitive(NamedTuple):
    operands: str  # their kinds
    result: str
    llvm: str
    c: str


def _infix(kinds, result, llvm, c):
    return Primitive(kinds, result, f"{llvm} {{{kinds[0]}}} {{0}}, {{1}}", f"({{0}} {c} {{1}})")


def _call(kinds, result, llvm, c):
    """An intrinsic, and a function of the headers."""
    given = ", ".join(f"{{{kind}}} {{{i}}}" for i, kind in enumerate(kinds))
    places = ", ".join(f"{{{i}}}" for i in range(len(kinds)))
    suffix = "{v}" if kinds[0] == "V" else "{i}"
    return Primitive(
        kinds, result, f"call {{{result}}} @llvm.{llvm}.{suffix}({given})", f"{c}({places})"
    )


def _select(kind, c):
    llvm = f"select {{M}} {{0}}, {{{kind}}} {{1}}, {{{kind}}} {{2}}"
    return Primitive(f"M{kind}{kind}", kind, llvm, f"{c}({{0}}, {{1}}, {{2}})")


PRIMITIVES = {
    # numbers
    "add": _infix("VV", "V", "fadd", "+"),
    "sub": _infix("VV", "V", "fsub", "-"),
    "mul": _infix("VV", "V", "fmul", "*"),
    "div": _infix("VV", "V", "fdiv", "/"),
    "neg": Primitive("V", "V", "fneg {V} {0}", "(-{0})"),
    "fma": _call("VVV", "V", "fma", "ds_fma"),
    "sqrt": _call("V", "V", "sqrt", "ds_sqrt"),
    "abs": _call("V", "V", "fabs", "ds_abs"),
    "copysign": _call("VV", "V", "copysign", "ds_copysign"),
    "floor": _call("V", "V", "floor", "ds_floor"),
    "ceil": _call("V", "V", "ceil", "ds_ceil"),
    "trunc": _call("V", "V", "trunc", "ds_trunc"),
    "rint": _call("V", "V", "rint", "ds_rint"),
    "select": _select("V", "ds_sel"),
    "lt": _infix("VV", "M", "fcmp olt", "<"),
    "le": _infix("VV", "M", "fcmp ole", "<="),
    "gt": _infix("VV", "M", "fcmp ogt", ">"),
    "ge": _infix("VV", "M", "fcmp oge", ">="),
    "eq": _infix("VV", "M", "fcmp oeq", "=="),
    "ne": _infix("VV", "M", "fcmp une", "!="),
    # integers
    "bits": Primitive("V", "I", "bitcast {V} {0} to {I}", "ds_bits({0})"),
    "from_bits": Primitive("I", "V", "bitcast {I} {0} to {V}", "ds_from_bits({0})"),
    "to_real": Primitive("I", "V", "sitofp {I} {0} to {V}", "ds_int_to_real({0})"),
    "to_int": Primitive("V", "I", "fptosi {V} {0} to {I}", "ds_real_to_int({0})"),
    "iadd": Primitive("II", "I", "add {I} {0}, {1}", "ds_iadd({0}, {1})"),
    "isub": Primitive("II", "I", "sub {I} {0}, {1}", "ds_isub({0}, {1})"),
    "imul": Primitive("II", "I", "mul {I} {0}, {1}", "ds_imul({0}, {1})"),
    "idiv": _infix("II", "I", "sdiv", "/"),  # towards zero
    "iand": _infix("II", "I", "and", "&"),
    "ior": _infix("II", "I", "or", "|"),
    "ixor": _infix("II", "I", "xor", "^"),
    "ishl": Primitive("II", "I", "shl {I} {0}, {1}", "ds_shl({0}, {1})"),
    "ishr": Primitive("II", "I", "lshr {I} {0}, {1}", "ds_shr({0}, {1})"),
    "iselect": _select("I", "ds_isel"),
    "ilt": _infix("II", "M", "icmp slt", "<"),
    "ile": _infix("II", "M", "icmp sle", "<="),
    "igt": _infix("II", "M", "icmp sgt", ">"),
    "ige": _infix("II", "M", "icmp sge", ">="),
    "ieq": _infix("II", "M", "icmp eq", "=="),
    "ine": _infix("II", "M", "icmp ne", "!="),
    # truth values
    "and": Primitive("MM", "M", "and {M} {0}, {1}", "ds_and({0}, {1})"),
    "or": Primitive("MM", "M", "or {M} {0}, {1}", "ds_or({0}, {1})"),
    "xor": Primitive("MM", "M", "xor {M} {0}, {1}", "ds_xor({0}, {1})"),
}
