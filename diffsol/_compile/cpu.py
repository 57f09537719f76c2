"""Machine code for this CPU: LLVM text to an address, through llvmlite.binding (loaded here only).

The library is set up once, and one lock keeps it to one thread at a time (llvmlite's global context is not
thread-safe). Nothing of it is needed by a kernel that is made.
"""

from __future__ import annotations

import platform
import threading
import time

from diffsol._compile import elf, emit_llvm, plan
from diffsol._compile.image import LoadedCode
from diffsol._compile.lanes import divides_in_idle_lanes

_LOCK = threading.RLock()
_library = None  # the _Library, once a kernel has been compiled


class CompiledKernel:
    """A compiled program; `address` is that of a C function with the kernel signature.

    address      int, valid as long as this object lives
    code         LoadedCode
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
        "code",
    )

    def __init__(self, program, name, module, image, compile_ms):
        self.name, self.ir, self.unrolled = name, module.text, module.unrolled
        self.code = LoadedCode(image, module.tables)
        self.address = self.code.address
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
        image = elf.link(_get_library().compile(module, name, effort), name)
    return CompiledKernel(program, name, module, image, (time.perf_counter() - started) * 1e3)


def _get_library():
    global _library
    if _library is None:
        _library = _Library()
    return _library


def _triple(default):
    """The host, with object files in ELF whatever the system's own are (see `elf`)."""
    processor, system = default.split("-")[0], platform.system()
    if system == "Windows":
        return f"{processor}-pc-windows-msvc-elf"
    return (
        f"{processor.replace('arm64', 'aarch64')}-unknown-linux-gnu"
        if system == "Darwin"
        else default
    )


class _Library:
    """llvmlite, initialised for the host."""

    def __init__(self):
        import llvmlite.binding as llvm

        self.llvm = llvm
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.target = llvm.Target.from_triple(_triple(llvm.get_default_triple()))
        features = llvm.get_host_cpu_features()
        if platform.system() == "Darwin":
            features["reserve-x18"] = True  # the system's own there
        self.host = {"cpu": llvm.get_host_cpu_name(), "features": features.flatten()}

    def compile(self, source, name, effort) -> bytes:
        """The object file of an `emit_llvm.Module`."""
        machine = self.target.create_target_machine(
            opt=effort.codegen, reloc="pic", codemodel="small", **self.host
        )
        module = self._optimised(source.text, name, machine, effort)
        module.triple = self.target.triple
        return machine.emit_object(module)

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
