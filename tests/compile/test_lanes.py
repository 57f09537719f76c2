"""Idle lanes of vector divisions are found in LLVM text."""

from __future__ import annotations

import pytest

from diffsol._compile.lanes import divides_in_idle_lanes

DIVISION = """
  %a = load <4 x double>, ptr %y
  %b = load <4 x double>, ptr %p
  %q = fdiv <4 x double> %a, %b
"""


@pytest.mark.parametrize(
    ("rest", "idle"),
    [
        ("  store <4 x double> %q, ptr %out", False),
        ("  %s = fadd <4 x double> %q, %a\n  store <4 x double> %s, ptr %out", False),
        (
            "  %h = shufflevector <4 x double> %q, <4 x double> poison, <2 x i32> <i32 1, i32 0>\n"
            "  store <2 x double> %h, ptr %out",
            True,
        ),
        (
            "  %h = shufflevector <4 x double> %q, <4 x double> %a, <4 x i32> <i32 0, i32 1, i32 2, i32 7>\n"
            "  store <4 x double> %h, ptr %out",
            True,
        ),
        (
            "  %h = shufflevector <4 x double> %a, <4 x double> %q, <4 x i32> <i32 4, i32 5, i32 6, i32 7>\n"
            "  store <4 x double> %h, ptr %out",
            False,
        ),
        ("  %x = extractelement <4 x double> %q, i64 2\n  store double %x, ptr %out", True),
        (
            "  %i = insertelement <4 x double> %q, double %t, i64 0\n"
            "  store <4 x double> %i, ptr %out",
            True,
        ),
    ],
)
def test_idle_lanes(rest, idle):
    assert divides_in_idle_lanes(DIVISION + rest) is idle
