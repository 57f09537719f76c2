"""Run a script or module with ``scipy.integrate``'s solvers replaced by the native ones.

python -m diffsol [--report] script.py [argument ...]
python -m diffsol [--report] -m module [argument ...]

python -m diffsol --about=TOPIC     what a message of diffsol's means
python -m diffsol corpus [folder]   which functions of a corpus compile, and what that gains
python -m diffsol cache [clear]     what is kept of compiled functions on disk, or remove it
"""

import argparse
import atexit
import contextlib
import importlib.util
import os
import runpy
import sys

import diffsol


def main(argv: list[str]) -> None:
    """Do what `argv` (without the program's name) asks for; SystemExit 2 if it makes no sense."""
    parser = _parser()
    own, module, rest = _split(argv)
    options = parser.parse_args(own)
    if options.about:
        with contextlib.suppress(BrokenPipeError):  # a pager that has seen enough
            print(_about(options.about, parser), flush=True)
        return
    command = COMMANDS.get(rest[0]) if module is None and rest else None
    if command is not None and not os.path.isfile(rest[0]):
        command(rest[1:], parser)
        return
    if module is None and not rest:
        parser.error("a script, or -m and a module, is needed")
    if module == "":
        parser.error("-m needs the name of a module")
    if module is None and not os.path.exists(rest[0]):
        parser.error(f"can't open file {rest[0]!r}: no such file or directory")
    if module is not None and not _findable(module):
        parser.error(f"no module named {module}")
    diffsol.patch()
    if options.report:
        from diffsol._explain import report, watch

        watch()
        atexit.register(lambda: print(report(), file=sys.stderr))
    if module is not None:
        _run_module(module, rest)
    else:
        _run_script(rest)


def _split(argv: list[str]) -> tuple[list[str], str | None, list[str]]:
    """Our own options, the module if any, and what belongs to the program, as python divides them."""
    for i, word in enumerate(argv):
        if i and argv[i - 1] == "--about":
            continue  # its topic
        if word == "-m":
            return argv[:i], argv[i + 1] if argv[i + 1 :] else "", argv[i + 2 :]
        if word.startswith("-m") or not word.startswith("-"):
            module = word[2:] if word.startswith("-m") else None
            return argv[:i], module, argv[i + (module is not None) :]
    return argv, None, []


def _about(topic: str, parser: argparse.ArgumentParser) -> str:
    from diffsol._pages import about, topics

    try:
        return about(topic)
    except KeyError:
        parser.error(f"nothing is known about {topic!r}; topics are {', '.join(topics())}")


def _corpus(rest: list[str], parser: argparse.ArgumentParser) -> None:
    from diffsol._corpus import load, table

    if len(rest) > 1:
        parser.error("corpus takes one folder")
    try:
        cases = load(rest[0] if rest else None)
    except FileNotFoundError as error:
        parser.error(str(error))
    for line in table(cases):
        print(line, flush=True)


def _cache(rest: list[str], parser: argparse.ArgumentParser) -> None:
    from diffsol import cache

    if rest not in ([], ["clear"]):
        parser.error(f"cache takes nothing or clear, not {' '.join(rest)}")
    info = cache.info()
    if rest and info.folder is not None:
        print(f"{cache.clear()} compiled functions removed")
    else:
        print(info)


COMMANDS = {"corpus": _corpus, "cache": _cache}


def _findable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise  # a package on the way imports something that is missing
        return False
    except ValueError:
        return True  # "__main__" and the like: runpy knows what to say


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m diffsol",
        description="Run a program with scipy.integrate's solvers replaced by native ones.",
        usage="%(prog)s [-h] [--version] [--report] (script | -m module) [argument ...]\n"
        "       %(prog)s --about=TOPIC\n"
        "       %(prog)s corpus [folder]\n"
        "       %(prog)s cache [clear]",
        epilog="All that follows the script or the module belongs to the program.",
    )
    parser.add_argument("--version", action="version", version=f"diffsol {diffsol.__version__}")
    parser.add_argument(
        "--report", action="store_true", help="tell at exit what was compiled, and why not"
    )
    parser.add_argument(
        "--about",
        metavar="TOPIC",
        help="tell what a reason means that explain gives, by its code; "
        "or all of them (errors), or what can be compiled (tracing)",
    )
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
