"""Right-hand sides as scientists write them, one file per family of idioms; see README.md here."""

import importlib
import pkgutil

from corpus.registry import CASES


def cases():
    """All cases, by family: importing a family registers its cases."""
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        if not module.startswith("test_"):
            importlib.import_module(f"{__name__}.{module}")
    return list(CASES)
