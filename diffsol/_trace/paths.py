"""The results of the paths through a function, joined to one; and when Python has to be asked."""

from __future__ import annotations

from diffsol._graph.node import reachable


def any_of(graph, conditions):
    result = graph.const(False)
    for condition in dict.fromkeys(conditions):
        result = (
            graph.elementwise("logical_or", result, condition)
            if result.value is None
            else condition
        )
    return result


# operators for which NumPy warns or raises
RAISING = {
    *("divide", "reciprocal", "floor_divide", "remainder", "fmod", "power", "sqrt", "solve"),
    *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sinh", "cosh", "tan"),
    *("arcsin", "arccos", "arccosh", "arctanh"),
    *("add", "subtract", "multiply", "square", "sum", "prod", "cumsum", "matmul", "spmv", "hypot"),
}


def or_unused(graph, output, trap):
    """The trap, also where a value that goes into no result is not finite: NumPy tells of it."""
    nodes = graph.nodes()
    used = bytearray(len(nodes))  # by id
    for node in reachable([output, trap]):
        used[node.id] = True
    conditions = [trap]
    for node in nodes:
        if used[node.id] or not (node.op in RAISING or node.op.startswith("special_")):
            continue
        if node.dtype.kind in "fc":
            broken = graph.elementwise("logical_not", graph.elementwise("isfinite", node))
            conditions.append(graph.reduce("any", broken, range(broken.ndim)))
    return trap if len(conditions) == 1 else any_of(graph, conditions)


def join(graph, leaves, depth, shape, dtype):
    """(output, trap) of the tree of decisions below these leaves."""
    decisions, output, trap = leaves[0]
    if len(decisions) == depth:
        zero = graph.broadcast(graph.const(dtype.type(0)), shape)
        return (zero, graph.const(True)) if output is None else (output, trap)
    condition = decisions[depth][0]
    ways = [
        join(graph, [leaf for leaf in leaves if leaf[0][depth][1] is way], depth + 1, shape, dtype)
        for way in (True, False)
    ]
    (yes, yes_trap), (no, no_trap) = ways
    if yes_trap.value is not None and yes_trap.value:
        output = no
    elif no_trap.value is not None and no_trap.value:
        output = yes
    else:
        output = graph.elementwise("select", condition, yes, no)
    trap = (
        yes_trap
        if yes_trap is no_trap
        else graph.elementwise("select", condition, yes_trap, no_trap)
    )
    return output, trap
