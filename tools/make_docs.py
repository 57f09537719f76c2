"""Writes the pages that repeat what the code says: docs/errors.md and docs/tracing.md.

python tools/make_docs.py           write them
python tools/make_docs.py --check   exit with 1 if they are not up to date
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from diffsol._pages import PAGES  # noqa: E402  (the tree, not an installed copy)

NOTE = "<!-- Written by tools/make_docs.py; change the code and run it again. -->\n"


def page(name: str) -> str:
    return f"{NOTE}\n{PAGES[name]()}"


def main(arguments) -> int:
    stale = []
    for name in PAGES:
        path, text = ROOT / "docs" / f"{name}.md", page(name)
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text)
    if stale and "--check" in arguments:
        print("not up to date: " + ", ".join(stale) + "; run python tools/make_docs.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
