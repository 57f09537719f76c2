"""Object files linked to images, and images loaded."""

import gc
import pathlib
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from kernels import call
from llvmlite import binding as llvm

from diffsol._compile import cpu, elf, emit_llvm, image
from diffsol._compile.image import Image, LoadedCode
from diffsol._graph.build import Graph
from diffsol._graph.node import Program
from diffsol._graph.ops import FLOAT

N = 5000


def program_with_everything():
    """Calls of functions, constants of several sizes, and a table too large for the text."""
    graph = Graph()
    y = graph.state((N,), FLOAT)
    table = graph.const(np.linspace(0.0, 1.0, N))
    made = graph.elementwise("add", graph.elementwise("exp", y), table)
    made = graph.elementwise("multiply", made, graph.const(0.1))
    return Program(made, None, (N,), FLOAT, 0)


def object_of(program, triple):
    """(module, object file) for another machine."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = emit_llvm.emit(program, "kernel", False)
    machine = llvm.Target.from_triple(triple).create_target_machine(reloc="pic", codemodel="small")
    parsed = llvm.parse_assembly(module.text)
    parsed.triple = triple
    return module, machine.emit_object(parsed)


def test_runs_where_it_is_put():
    """Two copies at different addresses, the object file being gone."""
    program = program_with_everything()
    module = emit_llvm.emit(program, "kernel", False)
    linked = elf.link(object_of(program, cpu._get_library().target.triple)[1], "kernel")
    assert {symbol for _, symbol in linked.slots} == {"ds_exp", *module.tables}
    y = np.random.default_rng(0).normal(size=N)
    copies = [LoadedCode(linked, module.tables) for _ in range(2)]
    assert copies[0].address != copies[1].address
    for copy in copies:
        kernel = SimpleNamespace(address=copy.address, out_size=N)
        values, asked, _ = call(kernel, 0.0, y, np.empty(0))
        assert not asked
        np.testing.assert_allclose(values, (np.exp(y) + np.linspace(0, 1, N)) * 0.1, rtol=1e-15)


def test_memory_is_given_back():
    maps = pathlib.Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("no list of the process's memory here")
    code = Image(b"\xc3" * 4096, 0, ())
    before = maps.read_text().count("r-xp")
    kept = [LoadedCode(code, {}) for _ in range(100)]
    del kept
    gc.collect()
    assert maps.read_text().count("r-xp") <= before + 1


def test_nobody_knows_the_symbol():
    with pytest.raises(KeyError, match="nowhere"):
        LoadedCode(Image(bytes(16), 0, ((8, "nowhere"),)), {})


@pytest.mark.parametrize("obj", [b"", b"MZ", b"\x7fELF\x01\x01" + bytes(100)])
def test_no_object_file(obj):
    with pytest.raises(elf.LinkError, match="no little-endian ELF"):
        elf.link(obj, "kernel")


def test_no_memory(monkeypatch):
    class Library:
        @staticmethod
        def ds_code_new(code, size):
            return image.ffi.NULL

    monkeypatch.setattr(image, "lib", Library)
    with pytest.raises(OSError, match="no memory for machine code"):
        LoadedCode(Image(bytes(16), 0, ()), {})


def test_another_machine_of_ours():
    """The instructions of AArch64 that relocations have changed lead where they should."""
    module, obj = object_of(program_with_everything(), "aarch64-unknown-linux-gnu")
    linked = elf.link(obj, "kernel")
    words = [word for (word,) in struct.iter_unpack("<I", linked.code[: len(linked.code) & ~3])]
    slots = dict(linked.slots)
    assert set(slots.values()) == {"ds_exp", *module.tables}
    called = {
        slots[stub_slot(words, at + signed(word & 0x3FFFFFF, 26))]
        for at, word in enumerate(words)
        if word >> 26 == 0b100101  # bl
    }
    assert called == {"ds_exp"}
    loaded = set()
    for at, word in enumerate(words):
        if word >> 22 == 0b1111100101:  # ldr of 64 bits: its base was made by the adrp before it
            adrps = [b for b in range(at) if words[b] & 0x9F00001F == 0x90000000 | word >> 5 & 31]
            if adrps:
                loaded.add(slots.get(page_of(words, adrps[-1]) + (word >> 10 & 0xFFF) * 8))
    assert loaded - {None} == set(module.tables)


def signed(value, bits):
    return value - (1 << bits) if value >> (bits - 1) else value


def stub_slot(words, at):
    """The slot that the stub at this word jumps through: ldr x16, slot; br x16."""
    assert words[at] & 0xFF00001F == 0x58000010
    assert words[at + 1] == 0xD61F0200
    return 4 * (at + signed(words[at] >> 5 & 0x7FFFF, 19))


def page_of(words, at):
    """What an adrp gives, in an image that begins at 0."""
    pages = (words[at] >> 5 & 0x7FFFF) << 2 | words[at] >> 29 & 3
    return (4 * at // 4096 + signed(pages, 21)) * 4096


def test_foreign_machine():
    obj = bytearray(object_of(program_with_everything(), "x86_64-unknown-linux-gnu")[1])
    struct.pack_into("<H", obj, 18, 8)  # MIPS
    with pytest.raises(elf.LinkError, match="machine code of kind 8"):
        elf.link(bytes(obj), "kernel")
