"""explain tells what happens to a function; functions given to SciPy's own solvers are compiled too."""

import inspect
import sys

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.optimize
import scipy.special

import diffsol
from diffsol._engine import kernels, policy
from diffsol._engine.proxy import Proxies
from diffsol._explain import report
from diffsol._trace.advice import TABLE
from diffsol._trace.reasons import REASONS
from diffsol.integrate import complex_ode, ode, odeint, solve_ivp


@pytest.fixture(autouse=True)
def _fresh():
    kernels.clear()


def test_compiled_function():
    def decay(t, y, k):
        return -k * y

    told = diffsol.explain(decay, (0, 1), [1.0, 2.0], args=(0.5,))
    assert told.compiled
    assert told.reason is None
    assert told.n_parameters == 1
    assert 0 < told.n_nodes < 10
    assert "multiply" in told.graph
    assert str(told).startswith("test_compiled_function.<locals>.decay: compiled")


@pytest.mark.parametrize("method", ["RK45", "Radau", "BDF", "LSODA"])
def test_the_solve_uses_what_was_compiled(method):
    """Methods want different kinds of kernels: the one that is explained is the one that is used."""

    def decay(t, y):
        return -y

    diffsol.explain(decay, (0, 1), [1.0, 2.0], method=method)
    (record,) = kernels.records()
    (variant,) = record.variants
    assert variant.jacobian.made == (method != "RK45")
    solve_ivp(decay, (0, 1), [1.0, 2.0], method=method)
    assert kernels.records() == [record]
    assert variant.uses == 1


def test_a_given_jacobian_spares_the_exact_one():
    diffsol.explain(lambda t, y: -y, (0, 1), [1.0], method="BDF", jac=lambda t, y: [[-1.0]])
    assert not kernels.records()[0].variants[0].jacobian.made


def test_report_names_the_kind_of_lsodas_function(monkeypatch):
    monkeypatch.setattr(kernels, "KEEP_FUNCTIONS", True)
    solve_ivp(lambda t, y: -y, (0, 1), [1.0], method="LSODA")
    assert "right-hand side" in report()


def test_refused_function_names_reason_place_and_way_out():
    log = []

    def logging_decay(t, y):
        log.append(t)
        return -y

    told = diffsol.explain(logging_decay, (0, 1), [1.0])
    assert not told.compiled
    assert told.reason == "side-effect"
    assert told.hint == REASONS["side-effect"].hint
    file, line, name = told.where
    assert file == __file__
    assert (
        inspect.getsourcelines(logging_decay)[0][
            line - inspect.getsourcelines(logging_decay)[1]
        ].strip()
        == "log.append(t)"
    )
    assert name == "logging_decay"
    for part in (
        "logging_decay",
        "append",
        f"line {line}",
        "python -m diffsol --about=side-effect",
    ):
        assert part in str(told)
    assert not log


def test_a_whole_call_is_explained():
    def decay(t, y):
        return -y

    def event(t, y):
        return y[0] - 0.5

    def noisy(t, y):
        print(end="")
        return y[0]

    call = {"method": "DOP853", "rtol": 1e-6, "dense_output": True, "events": [event, noisy]}
    told = diffsol.explain(decay, (0, 1), [1.0], **call)
    assert told.compiled
    assert told.solver is None
    assert [e.compiled for e in told.events] == [True, False]
    assert told.events[1].reason in REASONS
    assert "noisy: not compiled" in str(told)


class Mine(scipy.integrate.BDF):
    """A solver of the user's own."""


def test_methods_that_are_not_native():
    def decay(t, y):
        return -y

    told = diffsol.explain(decay, (0, 1), [1.0], method=Mine)
    assert told.compiled
    assert told.solver == "Mine"
    assert "SciPy's own solver: Mine" in str(told)
    told = diffsol.explain(decay, (0, 1), [1.0], method=Mine, vectorized=True)
    assert (told.compiled, told.reason) == (False, "not-native")


def exchange(y, t, k):
    return [-k * y[0], k * y[0] - y[1]]


def exchange_jacobian(y, t, k):
    return [[-k, 0.0], [k, -1.0]]


@pytest.mark.parametrize(
    "how", [{"method": "odeint"}, {"tfirst": False}, {"Dfun": exchange_jacobian}]
)
def test_odeint_uses_what_was_explained_in_its_order(how, monkeypatch):
    told = diffsol.explain(exchange, [0, 1, 2], [1.0, 2.0], (3.0,), **how)
    assert told.compiled
    assert (told.jacobian is not None) == ("Dfun" in how)
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    before = kernels.records()
    options = {"Dfun": how["Dfun"]} if "Dfun" in how else {}
    got = odeint(exchange, [1.0, 2.0], [0, 1, 2], (3.0,), **options)
    np.testing.assert_allclose(
        got, scipy.integrate.odeint(exchange, [1.0, 2.0], [0, 1, 2], (3.0,)), rtol=1e-6
    )
    assert kernels.records() == before
    assert [record.variants[0].uses for record in before] == [1] * len(before)


def test_odeint_with_t_first():
    told = diffsol.explain(
        lambda t, y, k: exchange(y, t, k), [0, 1], 2 * [1.0], (3.0,), tfirst=True
    )
    assert told.compiled
    told = diffsol.explain(exchange, [0, 1], [1.0, 2.0], (3.0,), tfirst=True)
    assert not told.compiled


@pytest.mark.parametrize("y0, name", [
    ([1.0, 2.0], "vode"), ([1.0, 2.0], "lsoda"), ([1.0, 2.0], "dopri5"), (1.5, "dop853"),
    ([1.0 + 1j, 2.0], "zvode"), ([1.0 + 1j, 2.0], "vode"),
])  # fmt: skip
def test_ode_uses_what_was_explained(y0, name, monkeypatch):
    def decay(t, y):
        return -y

    assert diffsol.explain(decay, (0, 1), y0, method=name).compiled
    before = kernels.records()
    monkeypatch.setenv("DIFFSOL_JIT", "require")
    make = complex_ode if np.iscomplexobj(y0) and name != "zvode" else ode
    make(decay).set_integrator(name).set_initial_value(y0).integrate(1.0)
    assert kernels.records() == before
    assert before[0].variants[0].uses == 1


def test_given_jacobians_are_told_of():
    def noisy(t, y):
        print(end="")
        return [[-1.0]]

    def decay(t, y):
        return -y

    told = diffsol.explain(decay, (0, 1), [1.0], method="BDF", jac=lambda t, y: [[-1.0]])
    assert told.jacobian.compiled
    told = diffsol.explain(decay, (0, 1), [1.0], method="zvode", jac=lambda t, y: [[-1.0]])
    assert told.jacobian.compiled
    told = diffsol.explain(decay, (0, 1), [1.0], method="Radau", jac=noisy)
    assert told.compiled
    assert told.jacobian.reason == "input-output"
    assert "Jacobian test_given_jacobians_are_told_of.<locals>.noisy: not compiled" in str(told)
    assert diffsol.explain(decay, (0, 1), [1.0], method="BDF", jac=[[-1.0]]).jacobian is None


@pytest.mark.parametrize(
    "call, form",
    [
        ({"Dfun": exchange_jacobian, "ml": 1, "mu": 0}, "a band"),
        ({"Dfun": exchange_jacobian, "col_deriv": True}, "col_deriv=True"),
        ({"method": "vode", "jac": exchange_jacobian, "lband": 1}, "a band"),
        ({"method": "vode", "jac": exchange_jacobian, "y0": [1.0j, 2.0]}, "complex_ode"),
        ({"method": "LSODA", "jac": exchange_jacobian, "lband": 1}, "a band"),
    ],
)
def test_jacobians_that_stay_python(call, form):
    call = {"y0": [1.0, 2.0], "args": (3.0,)} | call
    told = diffsol.explain(exchange, (0, 1), **call).jacobian
    assert (told.compiled, told.reason, told.detail) == (False, "jacobian-form", form)


@pytest.mark.parametrize(
    "call, words",
    [
        ({"method": "euler"}, "`method` must be one of .*'BDF'.*'odeint', 'vode'.*, not 'euler'"),
        ({"rtoll": 1e-6}, "solve_ivp has no argument 'rtoll'"),
        ({"method": "odeint", "max_step": 1.0}, "odeint has no argument 'max_step'"),
        ({"method": "odeint", "events": exchange}, "odeint has no argument 'events'"),
        ({"method": "odeint", "jac": exchange_jacobian}, "The Jacobian of odeint is `Dfun`"),
        ({"method": "lsoda", "order": 3}, "ode's lsoda has no argument 'order'"),
        ({"method": "BDF", "tfirst": True}, "arguments of odeint"),
    ],
)
def test_calls_that_make_no_sense(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        diffsol.explain(exchange, (0, 1), [1.0, 2.0], (3.0,), **call)


@pytest.mark.parametrize("call", [{"jac": exchange_jacobian}, {"method": "BDF", "lband": 1}])
def test_options_without_effect_are_warned_of_as_in_solve_ivp(call):
    with pytest.warns(UserWarning, match="have no effect for a chosen solver") as caught:
        diffsol.explain(lambda t, y: -y, (0, 1), [1.0], **call)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("fun, what", [
    (lambda t, y: np.linalg.svd(np.eye(2) + y)[1], "numpy.linalg.svd"),
    (lambda t, y: np.einsum(y, [0], y, [0]) * y, "np.einsum"),
])  # fmt: skip
def test_numpy_that_is_not_compiled(fun, what):
    told = diffsol.explain(fun, (0, 1), [1.0, 2.0])
    assert told.reason == "numpy-call"
    assert what in told.detail
    assert "pure" not in str(told)


@pytest.mark.parametrize("y0", [[[1.0]], [np.nan], 1.0])
def test_states_that_solve_ivp_refuses(y0):
    def decay(t, y):
        return -y

    with pytest.raises(ValueError, match="y0") as theirs:
        scipy.integrate.solve_ivp(decay, (0, 1), y0)
    with pytest.raises(ValueError, match="y0") as ours:
        diffsol.explain(decay, (0, 1), y0)
    assert str(ours.value) == str(theirs.value)


def test_functions_without_bytecode():
    assert diffsol.explain(np.sin, (0, 1), [1.0]).reason == "state-write"  # np.sin(t, out=y)
    with pytest.raises(TypeError, match="`fun` must be callable, not 3"):
        diffsol.explain(3, (0, 1), [1.0])


def test_report_lists_every_function():
    def fast(t, y):
        return -y

    def noisy(t, y):
        print(end="")
        return -y

    diffsol.explain(fast, (0, 1), [1.0])
    diffsol.explain(noisy, (0, 1), [1.0])
    solve_ivp(fast, (0, 1), [1.0])
    text = report()
    assert "fast" in text
    assert "compiled in" in text
    assert "It prints, reads or writes: print" in text


def test_report_names_the_solvers_and_tells_a_function_once(monkeypatch):
    monkeypatch.setattr(kernels, "KEEP_FUNCTIONS", True)

    def decay(t, y):
        return -y

    for n in (1, 2, 3):
        solve_ivp(decay, (0, 1), np.ones(n))
    for name in ("vode", "lsoda", "dopri5"):
        ode(decay).set_integrator(name).set_initial_value([1.0]).integrate(1.0)
    complex_ode(decay).set_integrator("dop853").set_initial_value([1.0j]).integrate(1.0)
    odeint(decay, [1.0, 1.0], [0, 1], tfirst=True)
    lines = [line for line in report().splitlines() if "decay" in line]
    solvers = [line.split("right-hand side of ")[1].split(":")[0] for line in lines]
    assert sorted(solvers) == ["RK45", "dop853", "dopri5, lsoda, vode", "odeint"]


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_stiff_methods_run_over_compiled_functions(method, monkeypatch):
    monkeypatch.setenv("DIFFSOL_JIT", "require")

    def robertson(t, y, a):
        return [
            -a * y[0] + 1e4 * y[1] * y[2],
            a * y[0] - 1e4 * y[1] * y[2] - 3e7 * y[1] ** 2,
            3e7 * y[1] ** 2,
        ]

    def jac(t, y, a):
        return np.array(
            [
                [-a, 1e4 * y[2], 1e4 * y[1]],
                [a, -1e4 * y[2] - 6e7 * y[1], -1e4 * y[1]],
                [0, 6e7 * y[1], 0],
            ]
        )

    def half(t, y, a):
        return y[0] - 0.5

    half.terminal = True
    call = (robertson, (0, 1e5), [1.0, 0.0, 0.0])
    options = {
        "args": (0.04,),
        "method": method,
        "jac": jac,
        "events": [half],
        "rtol": 1e-6,
        "atol": 1e-9,
    }
    ours, theirs = solve_ivp(*call, **options), scipy.integrate.solve_ivp(*call, **options)
    assert ours.status == theirs.status == 1
    assert (ours.nfev, ours.njev) == (theirs.nfev, theirs.njev)
    np.testing.assert_allclose(ours.t_events[0], theirs.t_events[0], rtol=1e-6)
    compiled = {r.name.split(".")[-1] for r in kernels.records() if r.variants}
    assert compiled == {"robertson", "jac", "half"}


def test_stiff_method_compiles_on_the_way(monkeypatch):
    monkeypatch.setattr(policy, "price", lambda count: 0.0)

    def decay(t, y):
        return [-(y[0] + sum(y[i] * 1e-3 for i in range(3))), -y[1], -y[2]]

    monkeypatch.setattr(policy, "affordable", lambda *a: 10.0)
    sol = solve_ivp(decay, (0, 50), [1.0, 1.0, 1.0], method="BDF", rtol=1e-12, atol=1e-14)
    assert sol.success
    assert any(r.variants for r in kernels.records())


def test_stiff_method_with_an_impure_function():
    calls = []

    def fun(t, y):
        calls.append(t)
        return -y

    ours = solve_ivp(fun, (0, 1), [1.0], method="BDF")
    count = len(calls)
    theirs = scipy.integrate.solve_ivp(fun, (0, 1), [1.0], method="BDF")
    assert count == len(calls) - count
    assert ours.nfev == theirs.nfev


def test_event_changes_what_a_function_compiled_in_flight_reads(monkeypatch):
    """The thermostat again, by a solver of SciPy's kind."""

    def outcome(solve):
        heater = {"on": 1.0}

        def room(t, y):
            return [-y[0] + 5.0 * heater["on"]]

        def switch(t, y):
            heater["on"] = 0.0 if y[0] > 3.0 else 1.0 if y[0] < 2.0 else heater["on"]
            return 1.0

        return solve(room, (0, 10), [0.0], method=Mine, events=switch, max_step=0.02)

    monkeypatch.setattr(Proxies, "_pays", lambda self, spent: True)
    ours, theirs = outcome(solve_ivp), outcome(scipy.integrate.solve_ivp)
    assert any(r.variants for r in kernels.records())
    np.testing.assert_allclose(ours.y, theirs.y, rtol=1e-6)
    assert np.max(ours.y) < 3.6


# --- looking inside ---------------------------------------------------------------------------

GRAVITY = 9.81
MODE = "linear"


class Pendulum:
    def __init__(self):
        self.length = 2.0

    def rates(self, t, y, c):
        drag = c["drag"] if MODE == "linear" else 0.0
        return [y[1], -GRAVITY / self.length * np.sin(y[0]) - drag * y[1]]


def test_what_is_guarded():
    told = diffsol.explain(Pendulum().rates, (0, 1), [1.0, 0.0], args=({"drag": 0.1},))
    text = "\n".join(told.guards)
    for name in ("GRAVITY", "self.length", "args[0]['drag']"):
        assert f"{name}: may change, is read anew by each solve" in text
    assert "MODE: compiled for its present value, anew for another" in text


def test_a_closure_is_called_by_its_name():
    rate = 2.0
    told = diffsol.explain(lambda t, y: -rate * y, (0, 1), [1.0])
    assert told.guards == ("rate: may change, is read anew by each solve",)


def test_the_cost_of_an_evaluation():
    told = diffsol.explain(Pendulum().rates, (0, 1), [1.0, 0.0], args=({"drag": 0.1},))
    assert told.python_us > 0
    assert told.kernel_us > 0
    assert "one evaluation" in str(told)


def test_show_prints_graph_and_guards(capsys):
    diffsol.explain(Pendulum().rates, (0, 1), [1.0, 0.0], args=({"drag": 0.1},)).show()
    shown = capsys.readouterr().out
    assert "sin(" in shown
    assert "reads from outside:" in shown


def test_refusal_shows_the_line_and_another_way_to_write_it():
    def counting(t, y):
        print("called", end="")
        return -y

    text = str(diffsol.explain(counting, (0, 1), [1.0]))
    assert 'print("called", end="")' in text
    assert "->" in text


def chain(t, y):
    d = -2.0 * y
    d[1:] += y[:-1]
    d[:-1] += y[1:]
    return d


def test_sparsity_is_exact():
    told = diffsol.explain(chain, (0, 1), np.ones(6))
    wanted = np.abs(np.subtract.outer(np.arange(6), np.arange(6))) <= 1
    np.testing.assert_array_equal(told.sparsity(), wanted)
    large = diffsol.explain(chain, (0, 1), np.ones(2000)).sparsity()
    assert large.shape == (2000, 2000)
    assert large.nnz == 3 * 2000 - 2


class FakeAxes:
    def spy(self, pattern, **options):
        self.pattern, self.options = pattern, options

    def set_title(self, title):
        self.title = title


def test_spy_draws_the_pattern():
    axes = FakeAxes()
    assert diffsol.explain(chain, (0, 1), np.ones(6)).spy(axes, markersize=5) is axes
    assert axes.pattern.sum() == 16
    assert axes.options["markersize"] == 5
    assert "16 of 36" in axes.title


def test_spy_without_matplotlib_or_without_a_jacobian(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="diffsol\\[plot\\]"):
        diffsol.explain(chain, (0, 1), np.ones(6)).spy()
    log = []
    told = diffsol.explain(lambda t, y: log.append(t) or -y, (0, 1), [1.0])
    for asked in (told.sparsity, lambda: told.spy(FakeAxes())):
        with pytest.raises(ValueError, match="is not known: side-effect"):
            asked()


def swaps(t, y):
    q, v = y
    return [v, -q]


def stacks(t, y):
    return [y[2:], -y[:2]]


def special_function(t, y):
    return y * scipy.special.lambertw(y[0]).real


@pytest.mark.parametrize(
    "fun, words",
    [
        (swaps, "`q, v = y[:n], y[n:]`"),
        (stacks, "np.concatenate([v, a])"),
        (special_function, "diffsol.register_op"),
        (lambda t, y: np.fft.fft2(np.outer(y, y)).real[0], "np.roll"),
        (lambda t, y: np.linalg.eigvalsh(np.outer(y, y)), "`det` up to 3"),
        (lambda t, y: scipy.optimize.brentq(lambda z: z - t, -9, 9) * y, "Newton"),
        (lambda t, y: scipy.linalg.expm(np.outer(y, y)) @ y, "Diagonalise"),
    ],
)
def test_each_common_refusal_has_a_hint_of_its_own(fun, words):
    told = diffsol.explain(fun, (0, 1), np.ones(4))
    assert words in str(told)


def test_advice_is_for_reasons_that_exist():
    for codes, _pattern, *_given in TABLE:
        assert set(codes.split()) <= set(REASONS)
