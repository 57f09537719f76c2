"""diffsol.fit.from_frame: the same residual from tables of any form."""

from datetime import date

import numpy as np
import pytest

from diffsol import fit

pandas = pytest.importorskip("pandas")

TIMES = np.linspace(0, 3, 4)
PREY, PREDATORS = np.array([1.0, 2.0, np.nan, 1.0]), np.array([1.0, 1.5, 2.0, 2.5])
Y0 = [1.0, 1.0]
P = [1.5, 1.0, 3.0, 1.0]


def model(t, y, a, b, c, d):
    return [a * y[0] - b * y[0] * y[1], -c * y[1] + d * y[0] * y[1]]


def _wanted(**options):
    return fit.residual(model, Y0, TIMES, np.array([PREY, PREDATORS]), **options)(P)


WIDE = {"time": TIMES, "prey": PREY, "predators": PREDATORS}


@pytest.mark.parametrize("make", [pandas.DataFrame, dict])
def test_wide(make):
    assert np.array_equal(fit.from_frame(make(WIDE), model, Y0)(P), _wanted())


def test_a_structured_array():
    table = np.array(
        list(zip(TIMES, PREY, PREDATORS, strict=True)),
        dtype=[("time", float), ("prey", float), ("predators", float)],
    )
    assert np.array_equal(fit.from_frame(table, model, Y0)(P), _wanted())


def test_some_columns_and_what_they_are():
    fun = fit.from_frame(pandas.DataFrame(WIDE), model, Y0, columns={"predators": 1})
    assert np.array_equal(fun(P), _wanted()[3:])


def test_tidy():
    frame = pandas.DataFrame(WIDE).melt(id_vars="time", var_name="what", value_name="count")
    frame["sd"] = 2.0
    shuffled = frame.dropna().sample(frac=1.0, random_state=0)
    fun = fit.from_frame(
        shuffled,
        model,
        Y0,
        variable="what",
        value="count",
        sigma="sd",
        columns=("prey", "predators"),
    )
    assert np.allclose(fun(P), 0.5 * _wanted())


def test_a_quantity_measured_twice_counts_twice():
    frame = pandas.DataFrame(WIDE).melt(id_vars="time", var_name="what")
    twice = pandas.concat([frame, frame]).dropna()
    one, two = (
        fit.from_frame(table, model, Y0, variable="what", columns=["prey", "predators"])
        for table in (frame, twice)
    )
    assert np.isclose(two.cost(P), 2 * one.cost(P))


def test_the_order_of_a_tidy_table_is_said():
    frame = pandas.DataFrame(WIDE).melt(id_vars="time", var_name="what").dropna()
    with pytest.warns(UserWarning, match=r"\['predators', 'prey'\].*`columns`") as told:
        fit.from_frame(frame[::-1], model, Y0, variable="what")
    assert told[0].filename == __file__


@pytest.mark.parametrize(
    "times",
    [
        pandas.date_range("2020-01-01", periods=4),
        pandas.date_range("2020-01-01", periods=4, tz="Europe/Berlin"),
        pandas.to_timedelta([0, 1, 2, 3], unit="h"),
        [date(2020, 1, day) for day in (1, 2, 3, 4)],
    ],
)
def test_dates_are_no_times(times):
    with pytest.raises(TypeError, match=r"'time' holds dates.*total_seconds"):
        fit.from_frame(pandas.DataFrame(WIDE | {"time": times}), model, Y0)


def test_a_table_of_arrow():
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table(pandas.DataFrame(WIDE))
    assert np.array_equal(fit.from_frame(table, model, Y0)(P), _wanted())


def test_experiments():
    first = pandas.DataFrame(WIDE).assign(run="one")
    second = pandas.DataFrame({k: v[:3] for k, v in WIDE.items()}).assign(run="two")
    frame = pandas.concat([first, second])
    fun = fit.from_frame(
        frame, model, {"two": [2.0, 1.0], "one": Y0}, experiment="run", own="a", args=tuple(P)
    )
    assert fun.names == ("b", "c", "d", "a (0)", "a (1)")
    assert np.array_equal(fun(fun.p0)[:7], _wanted())
    other = fit.residual(model, [2.0, 1.0], TIMES[:3], np.array([PREY, PREDATORS])[:, :3])
    assert np.array_equal(fun(fun.p0)[7:], other(P))


def test_a_column_that_is_not_there():
    with pytest.raises(KeyError, match=r"'hour'.*'predators'"):
        fit.from_frame(pandas.DataFrame(WIDE), model, Y0, time="hour")


def test_what_is_wrong_with_a_table_is_said():
    frame = pandas.DataFrame(WIDE).melt(id_vars="time", var_name="what")
    with pytest.raises(KeyError, match=r"'prya'.*'prey'"):
        fit.from_frame(frame, model, Y0, variable="what", columns=["prya"])
    with pytest.raises(ValueError, match="'what' does not hold numbers"):
        fit.from_frame(frame, model, Y0)
    runs = pandas.DataFrame(WIDE).assign(run="one")
    with pytest.raises(KeyError, match="no 'one'"):
        fit.from_frame(runs, model, {"two": Y0}, experiment="run")


def test_standard_deviations_in_a_wide_table_are_not_passed_over():
    table = {**WIDE, "error": np.full(4, 0.1)}
    with pytest.raises(ValueError, match="weights"):
        fit.from_frame(table, model, Y0, columns=["prey", "predators"], sigma="error")
