"""Machine code for this CPU: LLVM text to an address, through llvmlite.binding (loaded here only).

The library is set up once, and one lock keeps it to one thread at a time (llvmlite's global context is not
thread-safe). Nothing of it is needed by a kernel that is made.
"""

from __future__ import annotations

import platform
import time
from dataclasses import replace

from diffsol._compile import elf, emit_llvm, plan
from diffsol._compile.image import LoadedCode
from diffsol._compile.lanes import divides_in_idle_lanes
from diffsol._compile.locks import COMPILING

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
    image = machine_code(module, name, effort)
    return CompiledKernel(program, name, module, image, (time.perf_counter() - started) * 1e3)


def machine_code(module, name, effort):
    """The image of a module's function `name`."""
    with COMPILING:
        return elf.link(_get_library().compile(module, name, effort), name)


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

        self.optimisers: dict = {}

    def compile(self, source, name, effort) -> bytes:
        """The object file of an `emit_llvm.Module`."""
        optimiser = self._optimiser(effort)
        module = self.llvm.parse_assembly(source.text)
        optimiser.run(module, name)
        if effort.straight_lanes and divides_in_idle_lanes(str(module)):
            module = self.llvm.parse_assembly(source.text)
            self._optimiser(replace(effort, straight_lanes=False)).run(module, name)
        module.triple = self.target.triple
        return optimiser.machine.emit_object(module)

    def _optimiser(self, effort):
        if effort not in self.optimisers:
            self.optimisers[effort] = _Optimiser(self, effort)
        return self.optimisers[effort]


class _Optimiser:
    """LLVM's passes for an `Effort`, and the code generator after them."""

    def __init__(self, library, effort):
        self._llvm, self._is_peephole = library.llvm, effort.optimiser == "peephole"
        self.machine = library.target.create_target_machine(
            opt=effort.codegen, reloc="pic", codemodel="small", **library.host
        )
        options = self._llvm.create_pipeline_tuning_options(
            speed_level=1 if effort.optimiser == "level1" else 2
        )
        options.slp_vectorization = effort.straight_lanes
        options.loop_vectorization = True
        self._builder = self._llvm.create_pass_builder(self.machine, options)

    def run(self, module, name):
        if self._is_peephole:
            passes = self._llvm.create_new_function_pass_manager()
            passes.add_instruction_combine_pass()
            passes.run(module.get_function(name), self._builder)
        else:
            passes = self._builder.getModulePassManager()
            passes.run(module, self._builder)
        _free(passes)


def _free(passes):
    """llvmlite (0.50) never frees a pass manager: its class inherits a `_dispose` that does nothing before the
    one that is meant. That is up to 80 kB of each compilation."""
    from llvmlite.binding.ffi import ObjectRef
    from llvmlite.binding.newpassmanagers import NewPassManager

    if type(passes)._dispose is ObjectRef._dispose and hasattr(NewPassManager, "_dispose"):
        NewPassManager._dispose(passes)
        passes.detach()
    else:
        passes.close()
