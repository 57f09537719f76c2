"""The CUDA text of an ensemble: the stepper headers as they are, its functions, and the kernels of
`_native/cuda`, in one piece that needs no other file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import diffsol._native
from diffsol._compile.vector import rows
from diffsol._compile.vector.c_text import CText
from diffsol._compile.vector.emit import emit_c
from diffsol._trace.reasons import Refused

NATIVE = Path(diffsol._native.__file__).parent
FOLDERS = ("include", "cuda", "tables", ".")
NEAR_PARAMETERS = 128  # that a launch carries with it: kernels take 4096 bytes of arguments
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include "([^"]+)".*\n', re.MULTILINE)
SINGLE = np.dtype(np.float32)
# Every text uses some of what the headers define.
BEFORE = """#if defined(__CUDACC_RTC__)
#pragma nv_diag_suppress 177
#endif
"""
AFTER = """
enum { DS_BRACKET = 6, DS_ROOT_ITER = 7, DS_ROOT_NAN = 8 };
#include "ds_brent.h"
#include "event_rules.h"
#include "direction.h"
#include "thread.h"
#include "thread_outputs.h"
#include "kernels.h"
"""


@dataclass(frozen=True)
class Layout:
    """What the text knows at compile time, and `arguments.h` and `arguments.py` have to agree upon."""

    dtype: np.dtype
    n: int
    own: int
    events: int
    saves: bool
    rtol_count: int
    atol_count: int
    params: int
    event_params: int

    def defines(self) -> dict[str, int]:
        return {
            "DS_N": self.n,
            "DS_OWN": self.own,
            "DS_EVENTS": self.events,
            "DS_SAVES": int(self.saves),
            "DS_RTOL_COUNT": self.rtol_count,
            "DS_ATOL_COUNT": self.atol_count,
            "DS_PARAMS": near(self.params),
            "DS_EVENT_PARAMS": near(self.event_params),
        }


def near(count) -> int:
    """How many of so many parameters lie in the arguments of a launch: all, or none."""
    return count if count <= NEAR_PARAMETERS else 0


class SingleText(CText):
    """C text in single precision: functions of ds_single.h in place of `math`'s, which are made of bits of doubles."""

    def call(self, name, *arguments):
        return self.called(name, [self.real(x) for x in arguments])


def layout_of(programs, parameters, batch, options, dtype) -> Layout:
    return Layout(
        np.dtype(dtype),
        batch.n,
        sum(own.size for own in batch.own),
        len(options.events),
        bool(options.n_eval),
        np.size(options.rtol),
        np.size(options.atol),
        parameters.fun.size,
        parameters.events.size if programs.events is not None else 0,
    )


def text_of(programs, layout, method) -> str:
    """The whole text. Raises Refused for programs that have no C text."""
    defines = layout.defines() | {
        "DS_STIFF": int(programs.jac is not None),
        "DS_HAS_DFDT": int(programs.dfdt is not None),
    }
    if layout.dtype == SINGLE:
        defines["DS_SINGLE"] = 1
    text_type = SingleText if layout.dtype == SINGLE else CText
    named = {f"ds_{name}": program for name, program in programs.named().items()}
    try:
        functions = emit_c(named, layout.n, text_type)
    except rows.Refused as error:
        raise Refused("no-lanes", str(error)) from None
    head = "".join(f"#define {name} {value}\n" for name, value in defines.items())
    table = f'#include "arguments.h"\n#include "{method.lower()}.h"\n#include "call.h"\n'
    return expanded(BEFORE + head + functions + table + AFTER)


def expanded(text) -> str:
    """The text with its headers in place of their names."""
    return INCLUDE.sub(lambda found: expanded(_header(found[1])), text)


def _header(name) -> str:
    for folder in FOLDERS:
        path = NATIVE / folder / Path(name).name
        if path.exists():
            return path.read_text()
    raise FileNotFoundError(name)
