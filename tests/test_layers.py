"""Imports go one way: integrate -> _engine -> _compile, _trace -> _graph; leaves import nothing of ours."""

import ast
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "diffsol"
LEAVES = {"errors", "_methods", "_timing"}
# what each part may import of ours, besides itself
ALLOWED = {
    "errors": set(),
    "_methods": set(),
    "_timing": set(),
    "_native": set(),
    "_graph": set(),
    "_trace": {"_graph"},
    "_compile": {"_graph", "_native"},
    "_cache": {"_compile", "_graph", "_native", "__init__"},
    "_engine": {"_cache", "_compile", "_graph", "_trace", "_native", "_methods", "errors"},
    "integrate": {"_dlpack", "_engine", "_methods", "_native", "errors"},
    "_ensemble": {
        "_dlpack",
        "integrate",
        "_cache",
        "_engine",
        "_compile",
        "_graph",
        "_trace",
        "_native",
        "_methods",
        "errors",
    },
    "_sens": {
        "_cache",
        "_dlpack",
        "_ensemble",
        "integrate",
        "_engine",
        "_compile",
        "_graph",
        "_trace",
        "_native",
        "_methods",
        "errors",
    },
    "_fit": {
        "_dlpack",
        "_sens",
        "_engine",
        "_ensemble",
        "integrate",
        "_graph",
        "_trace",
        "_native",
        "_methods",
        "errors",
    },
    "sensitivity": {"_sens"},
    "fit": {"_fit"},
    "testing": {"_sens", "integrate"},
    "_dlpack": {"dlpack"},  # only on use
    "dlpack": {"_dlpack"},
    "_explain": {
        "_explanation",
        "_timing",
        "integrate",
        "_engine",
        "_methods",
        "_native",
        "_trace",
        "errors",
    },
    "_explanation": {"_graph", "_trace"},
    "_patch": {"integrate"},
    "_register": {"_compile", "_engine", "_graph", "_trace"},
    "cache": {"_cache", "_explain"},
    "_observe": {"_engine"},
    "__init__": {
        "_ensemble",
        "cache",
        "dlpack",
        "_explain",
        "_observe",
        "_patch",
        "_register",
        "fit",
        "integrate",
        "sensitivity",
    },
    "_pages": {"_graph", "_trace", "errors"},
    "_corpus": {"_timing", "integrate", "_engine", "_native", "_trace", "__init__"},
    "__main__": {"cache", "_corpus", "_explain", "_pages", "_patch", "__init__"},
}


def part_of(path):
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.ImportFrom)
            and node.level == 0
            and (node.module or "").split(".")[0] == "diffsol"
        ):
            pieces = node.module.split(".")
            names = [pieces[1]] if len(pieces) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [
                alias.name.split(".")[1] if "." in alias.name else "__init__"
                for alias in node.names
                if alias.name.split(".")[0] == "diffsol"
            ]
        else:
            continue
        yield from names


FILES = sorted(p for p in PACKAGE.rglob("*.py") if "build" not in p.parts)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    part = part_of(path)
    for name in imported_parts(path):
        assert name == part or name in ALLOWED[part], f"{path} imports {name}"


def test_relative_imports_stay_inside_their_part():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level > 1), path
