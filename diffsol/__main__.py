"""Run a script or module with ``scipy.integrate``'s solvers replaced by the native ones.

    python -m diffsol [--report] script.py [argument ...]
    python -m diffsol [--report] -m module [argument ...]
"""

import argparse
import atexit
import os
import runpy
import sys

import diffsol


def main(argv: list[str]) -> None:
    """Do what `argv` (without the program's name) asks for; SystemExit 2 if it makes no sense."""
    options = _parser().parse_args(argv)
    if options.module is None and not options.rest:
        _parser().error("a script, or -m and a module, is needed")
    diffsol.patch()
    if options.report:
        from diffsol._explain import report

        atexit.register(lambda: print(report(), file=sys.stderr))
    if options.module is not None:
        _run_module(options.module, options.rest)
    else:
        _run_script(options.rest)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m diffsol",
        description="Run a program with scipy.integrate's solvers replaced by native ones.",
        usage="%(prog)s [-h] [--report] (script | -m module) [argument ...]",
    )
    parser.add_argument(
        "--report", action="store_true", help="tell at exit what was compiled, and why not"
    )
    parser.add_argument("-m", dest="module", metavar="module", help="run a module, as python -m")
    # All that follows belongs to the program, dashes included.
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _run_script(rest: list[str]) -> None:
    # As with `python script.py`: the script's folder comes first on the path, unless -P forbids it.
    sys.argv = rest
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.abspath(rest[0]))
    runpy.run_path(rest[0], run_name="__main__")


def _run_module(module: str, rest: list[str]) -> None:
    # As with `python -m module`: the current folder is on the path already, runpy sets argv[0].
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
