"""Pages that repeat what the code says are up to date, and every reason has its anchor."""

import pathlib
import runpy

import pytest

from diffsol._trace.reasons import REASONS

ROOT = pathlib.Path(__file__).parents[2]
make_docs = runpy.run_path(str(ROOT / "tools" / "make_docs.py"))


@pytest.mark.parametrize("name", make_docs["PAGES"])
def test_page_is_up_to_date(name):
    assert (ROOT / "docs" / f"{name}.md").read_text() == make_docs["page"](name)


def test_every_reason_has_an_anchor():
    page = (ROOT / "docs" / "errors.md").read_text()
    for code in REASONS:
        assert f'<a id="{code}"></a>' in page
