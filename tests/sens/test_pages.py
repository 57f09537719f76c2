"""docs/sensitivity.md, as a reader would type it."""

import pathlib
import re

import numpy as np

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "sensitivity.md"


def test_the_page_runs():
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(block, names)
    assert names["sol"].sens_names == ("k1", "k2", "k3", "y0[0]", "y0[1]", "y0[2]")

    def height(g, bounce):
        impact, speed = np.sqrt(2 * 3.0 / g), np.sqrt(2 * g * 3.0)
        left = 1.5 - impact
        return bounce * speed * left - g * left**2 / 2

    wanted = [height(9.81 + 1e-30j, 0.8).imag / 1e-30, height(9.81, 0.8 + 1e-30j).imag / 1e-30]
    assert np.allclose(names["rise"].sens[0, -1], wanted, rtol=1e-6)
    found = names["g"]
    assert found.names[:2] == ("V[0, 0]", "V[0, 1]")
    assert found.flat.shape == (63,)
    assert found.value == names["value"]
