"""Machine code for this CPU: LLVM text to an address, through llvmlite.binding (loaded here only).

One engine per kernel, kept alive by it. The library is set up once, and one lock keeps it to one
thread at a time (llvmlite's global context is not thread-safe).
"""

from __future__ import annotations

import threading
import time

from diffsol._compile import emit_llvm, plan
from diffsol._compile.lanes import divides_in_idle_lanes
from diffsol._graph.special import TABLE as SPECIAL

_LOCK = threading.RLock()
_library = None  # the _Library, once a kernel has been compiled


class CompiledKernel:
    """A compiled program; `address` is that of a C function with the kernel signature.

    address      int, valid as long as this object lives
    ir           the LLVM text, before optimisation
    n_params     doubles expected in the parameter block
    out_size     doubles written to `out`
    unrolled     was it lowered element by element (else to loops)?
    compile_ms   what text, optimiser and code generation took together
    """

    __slots__ = (
        "address",
        "name",
        "ir",
        "unrolled",
        "n_params",
        "out_size",
        "compile_ms",
        "_engine",
        "_tables",
    )

    def __init__(self, program, name, module, engine, compile_ms):
        self.name, self.ir, self.unrolled = name, module.text, module.unrolled
        self._engine, self._tables = engine, module.tables  # kept alive: the code points there
        self.address = engine.get_function_address(name)
        self.n_params = program.n_params
        self.out_size = program.output.size * (2 if program.output.dtype.kind == "c" else 1)
        self.compile_ms = compile_ms

    def __repr__(self):
        return f"<CompiledKernel {self.name} at {self.address:#x}, {self.compile_ms:.1f} ms>"


def compile_program(program, name="kernel", *, quick=False, unrolled=None) -> CompiledKernel:
    """Compile a program for this CPU.

    name: a C identifier. quick: usable code as soon as possible (large programs: several times
    faster to compile, slower to run). unrolled overrules the choice of `plan` (for tests).
    """
    started = time.perf_counter()
    unrolled = plan.unrolls(program, quick) if unrolled is None else unrolled
    module = emit_llvm.emit(program, name, unrolled)
    effort = plan.effort(module.text.count("\n"), module.unrolled, quick)
    with _LOCK:
        engine = _get_library().compile(module, name, effort)
        return CompiledKernel(program, name, module, engine, (time.perf_counter() - started) * 1e3)


def _get_library():
    global _library
    if _library is None:
        _library = _Library()
    return _library


class _Library:
    """llvmlite, initialised for the host, with our C library's functions made known to it."""

    def __init__(self):
        import llvmlite.binding as llvm

        from diffsol._native._core import ffi, lib

        self.llvm, self.published = llvm, set()
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.target = llvm.Target.from_default_triple()
        self.host = {
            "cpu": llvm.get_host_cpu_name(),
            "features": llvm.get_host_cpu_features().flatten(),
        }
        for i in range(lib.ds_math_count()):
            name = ffi.string(lib.ds_math_name(i)).decode()
            llvm.add_symbol(name, int(ffi.cast("uintptr_t", lib.ds_math_address(i))))

    def compile(self, source, name, effort):
        """An execution engine with the finished module of an `emit_llvm.Module`."""
        self._publish_special(source.externals)
        machine = self.target.create_target_machine(opt=effort.codegen, jit=True, **self.host)
        module = self._optimised(source.text, name, machine, effort)
        engine = self.llvm.create_mcjit_compiler(module, machine)
        for constant in module.global_variables:  # those that survived the optimiser
            if constant.name in source.tables:
                engine.add_global_mapping(constant, source.tables[constant.name].ctypes.data)
        engine.finalize_object()
        return engine

    def _publish_special(self, externals):
        """Make the functions of scipy.special known that a module calls."""
        for symbol in sorted(externals - self.published):
            if symbol.startswith("special_"):
                from diffsol._native import special

                row = SPECIAL[symbol.removeprefix("special_")]
                self.llvm.add_symbol(symbol, special.address(row.symbol))
                self.published.add(symbol)

    def _optimised(self, text, name, machine, effort):
        module = self.llvm.parse_assembly(text)
        if effort.optimiser == "peephole":
            self._peephole(module, name, machine)
            return module
        self._pipeline(module, machine, effort, effort.straight_lanes)
        if effort.straight_lanes and divides_in_idle_lanes(str(module)):
            module = self.llvm.parse_assembly(text)
            self._pipeline(module, machine, effort, False)
        return module

    def _peephole(self, module, name, machine):
        builder = self.llvm.create_pass_builder(machine, self.llvm.create_pipeline_tuning_options())
        passes = self.llvm.create_new_function_pass_manager()
        passes.add_instruction_combine_pass()
        passes.run(module.get_function(name), builder)

    def _pipeline(self, module, machine, effort, straight_lanes):
        level = 1 if effort.optimiser == "level1" else 2
        options = self.llvm.create_pipeline_tuning_options(speed_level=level)
        options.slp_vectorization = straight_lanes
        options.loop_vectorization = True
        builder = self.llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
