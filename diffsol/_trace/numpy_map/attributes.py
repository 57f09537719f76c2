"""The methods of arrays that stand for functions, and the list of what users may read."""

from __future__ import annotations

import numpy as np

from diffsol._trace.arithmetic import apply
from diffsol._trace.numpy_map.registry import HANDLERS
from diffsol._trace.values import Array

for _name, _target in (
    ("sum", np.sum),
    ("prod", np.prod),
    ("max", np.max),
    ("min", np.min),
    ("any", np.any),
    ("all", np.all),
    ("mean", np.mean),
    ("std", np.std),
    ("var", np.var),
    ("cumsum", np.cumsum),
    ("argmax", np.argmax),
    ("argmin", np.argmin),
    ("searchsorted", np.searchsorted),
    ("take", np.take),
    ("dot", np.dot),
    ("clip", np.clip),
    ("repeat", np.repeat),
    ("round", np.round),
    ("cumprod", np.cumprod),
    ("argsort", np.argsort),
):
    setattr(
        Array,
        _name,
        lambda self, *args, _target=_target, **kwargs: HANDLERS[_target](
            self.trace, self, *args, **kwargs
        ),
    )
for _name in ("conjugate", "conj"):
    setattr(Array, _name, lambda self: apply(self.trace, "conjugate", self))
Array.item = lambda self, *index: (
    self.reshape(-1)[index[0] if index else 0].item() if index or self.size == 1 else _not_single()
)
Array.tolist = lambda self: (
    [row.tolist() for row in self] if self.ndim > 1 else [x.item() for x in self]
)


def _not_single():
    raise ValueError("can only convert an array of size 1 to a Python scalar")


# what users may read from a traced value; everything else ends the trace
SCALAR_ATTRIBUTES = {
    "real",
    "imag",
    "conjugate",
    "conj",
    "item",
    "copy",
    "astype",
    "shape",
    "ndim",
    "size",
    "dtype",
}
ARRAY_ATTRIBUTES = SCALAR_ATTRIBUTES | {
    "T",
    "transpose",
    "swapaxes",
    "squeeze",
    "diagonal",
    "reshape",
    "ravel",
    "flatten",
    "fill",
    "sum",
    "prod",
    "max",
    "min",
    "any",
    "all",
    "mean",
    "std",
    "var",
    "cumsum",
    "argmax",
    "argmin",
    "searchsorted",
    "take",
    "dot",
    "clip",
    "repeat",
    "round",
    "cumprod",
    "argsort",
    "tolist",
}
