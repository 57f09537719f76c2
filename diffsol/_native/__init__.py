"""The native core: C steppers and drivers, seen from Python as `_core.ffi` and `_core.lib`."""

from importlib.util import find_spec as _find_spec
from pathlib import Path as _Path


def _require_core() -> None:
    """ImportError with the way out where the core is missing, as it is in a tree not built."""
    if _find_spec(f"{__name__}._core") is not None:
        return
    folder = _Path(__file__).resolve().parents[2]
    if not (folder / "pyproject.toml").exists():
        raise ImportError(f"diffsol's compiled core is missing from {folder}; install it again")
    raise ImportError(
        f"diffsol is being imported from its source tree ({folder}), which has no compiled core; "
        "leave that folder, or run `pip install -e .` there"
    )


_require_core()
