"""The memory of a loop kernel: places for stored arrays, used again when their readers are done.

It is the stack's while that is small, else malloc's, for each call anew: kernels are re-entrant.
"""

from __future__ import annotations

from diffsol._compile import helpers
from diffsol._graph.ops import COMPLEX, FLOAT

STACK_BYTES = 1 << 15  # a larger workspace comes from malloc


class Workspace:
    """Places for stored nodes; a place is used again once its last reader is done."""

    def __init__(self, program, plan):
        self.plan, self.program = plan, program
        self.where: dict = {}  # id -> SSA name of the address
        self.size = 0  # bytes so far
        self._offsets: dict = {}  # SSA name -> byte offset
        self._free: dict = {}  # bytes -> names that are free again
        self._ending: dict = {}  # root id -> names that it reads last
        self._heir = {node.inputs[0].id: node for node in program.nodes if node.id in plan.in_place}

    def place(self, node):
        if node.id in self.plan.in_place:
            name = self.where[node.inputs[0].id]
        elif self._is_output(node):
            name = "%out"
        else:
            name = self._get(-(-node.size * node.dtype.itemsize // 64) * 64)
        self.where[node.id] = name
        if node.id not in self._heir and name != "%out":
            self._ending.setdefault(self.plan.last_use[node.id], []).append(name)

    def release(self, root):
        for name in self._ending.pop(root, ()):
            self._free.setdefault(self._offsets[name][1], []).append(name)

    def _is_output(self, node):
        """Will this memory, at the end of its chain of assignments, be all of the output?"""
        while node.id in self._heir:
            node = self._heir[node.id]
        return (
            node is self.program.output
            and self.plan.uses[node.id] == 1
            and node.dtype in (FLOAT, COMPLEX)
            and node.id not in self.plan.peeled
        )

    def _get(self, size):
        if self._free.get(size):
            return self._free[size].pop()
        name = f"%room{len(self._offsets)}"
        self._offsets[name] = self.size, size
        self.size += size
        return name

    def allocate(self, w):
        if not self.size:
            return
        if self.size <= STACK_BYTES:
            w.slots.append(f"  %workspace = alloca i8, i64 {self.size}, align 64")
        else:
            helpers.declare_malloc(w)
            w.line(f"%workspace = call noalias ptr @malloc(i64 {self.size})")
            w.line("%none = icmp eq ptr %workspace, null")
            w.line("br i1 %none, label %nomemory, label %ready")
            w.lines.append("nomemory:")
            w.line("ret i32 1")
            w.lines.append("ready:")
        for name, (offset, _) in self._offsets.items():
            w.line(f"{name} = getelementptr inbounds i8, ptr %workspace, i64 {offset}")

    def free(self, w):
        if self.size > STACK_BYTES:
            w.line("call void @free(ptr %workspace)")
