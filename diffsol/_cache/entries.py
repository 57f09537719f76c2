"""The kernels of one function as the content of a file, and back.

    header    JSON after its length in 8 bytes: a list of kernels with their guards
    blobs     machine code and tables, found by the offsets in the header

A kernel is written as a dict: "guards" (source, constants), "parameters" (number, are there arrays among
them), "code", "program" and, where they have been made, "jacobian" and "product", its derived kernels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from diffsol._cache import constants, lists, programs
from diffsol._cache.blobs import read_array
from diffsol._compile.image import Image, LoadedCode

if TYPE_CHECKING:
    from diffsol._graph.node import Program


class Kept(NamedTuple):
    """A kernel of a file. guards: its guard function's source and constants; program: gives its program."""

    guards: tuple[str, list]
    n_params: int
    has_arrays: bool
    code: LoadedCode
    jacobian: KeptJacobian | None
    product: LoadedCode | None
    program: Callable[[], Program]


class KeptJacobian(NamedTuple):
    """As derived.JacobianKernel has them."""

    code: LoadedCode
    start: np.ndarray | None
    row: np.ndarray | None
    full: bool


def pack(kernels) -> bytes:
    """The content of a file for `Kept`s; those that cannot be kept are left out. b"": none can."""
    return lists.pack(kernels, _written)


def _written(kernel, blobs):
    source, values = kernel.guards
    written = {
        "guards": [source, [constants.write(value) for value in values]],
        "parameters": [kernel.n_params, kernel.has_arrays],
        "code": _written_code(kernel.code, blobs),
        "program": programs.write(kernel.program(), blobs),
    }
    if kernel.jacobian is not None:
        written["jacobian"] = _written_jacobian(kernel.jacobian, blobs)
    if kernel.product is not None:
        written["product"] = _written_code(kernel.product, blobs)
    return written


def _written_jacobian(jacobian, blobs):
    code, *pattern, full = jacobian
    arrays = [None if array is None else blobs.add_array(array) for array in pattern]
    return [_written_code(code, blobs), *arrays, full]


def _written_code(code, blobs):
    image = code.image
    tables = {symbol: blobs.add_array(table) for symbol, table in code.tables.items()}
    return [blobs.add(image.code), image.entry, image.slots, tables]


def unpack(content) -> list[Kept]:
    """The kernels of a file that fit into this process; malformed ones are left out."""
    return lists.unpack(content, _read)


def _read(written, data):
    source, values = written["guards"]
    n_params, has_arrays = written["parameters"]
    jacobian, product = written.get("jacobian"), written.get("product")
    return Kept(
        (source, [constants.read(value) for value in values]),
        n_params,
        has_arrays,
        _read_code(written["code"], data),
        None if jacobian is None else _read_jacobian(jacobian, data),
        None if product is None else _read_code(product, data),
        functools.partial(programs.read, written["program"], data),
    )


def _read_jacobian(written, data):
    code, start, row, full = written
    return KeptJacobian(
        _read_code(code, data), read_array(start, data), read_array(row, data), full
    )


def _read_code(written, data):
    (at, size), entry, slots, tables = written
    if not 0 <= entry < size <= len(data) - at:
        raise ValueError("code beyond the file")
    image = Image(bytes(data[at : at + size]), entry, tuple((o, s) for o, s in slots))
    return LoadedCode(image, {symbol: read_array(t, data) for symbol, t in tables.items()})


# (write, read) of what is kept without guards, under a name that tells all that decides what it is
CODE = _written_code, _read_code
JACOBIAN = _written_jacobian, _read_jacobian
PROGRAM = programs.write, programs.read
