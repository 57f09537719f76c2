"""Derivatives of when an event happens, and of what is there; and solves that go on from there."""

import numpy as np
import pytest

from diffsol.errors import GrazingError
from diffsol.sensitivity import solve_ivp

from .models import ball, hits_ground

G, HEIGHT, SPEED = 9.81, 10.0, 5.0


def _impact(g, height, speed):
    return (speed + np.sqrt(speed**2 + 2 * g * height)) / g


def _gradient(fun, *x):
    """By complex steps."""
    x = np.array(x, complex)
    return np.array([fun(*(x + 1e-30j * e)).imag for e in np.eye(x.size)]) / 1e-30


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853", "Radau", "BDF", "LSODA"])
def test_a_terminal_event(method):
    sol = solve_ivp(
        ball,
        (0, 100),
        [HEIGHT, SPEED],
        method,
        events=hits_ground,
        args=(G,),
        rtol=1e-9,
        atol=1e-11,
    )
    assert sol.status == 1
    assert sol.sens_names == ("g", "y0[0]", "y0[1]")
    assert np.allclose(sol.t_events[0], _impact(G, HEIGHT, SPEED))
    assert np.allclose(sol.sens_t_events[0][0], _gradient(_impact, G, HEIGHT, SPEED), rtol=1e-7)
    # the height stays 0 at the impact; the speed there is -sqrt(v**2 + 2 g h)
    wanted = _gradient(lambda g, h, v: -np.sqrt(v**2 + 2 * g * h), G, HEIGHT, SPEED)
    assert np.allclose(sol.sens_y_events[0][0], [np.zeros(3), wanted], rtol=1e-6, atol=1e-8)


def apex(t, y, g):
    return y[1]


def never(t, y, g):
    return y[0] + 1000.0


def test_events_that_do_not_end_it():
    sol = solve_ivp(
        ball,
        (0, 1),
        [HEIGHT, SPEED],
        "DOP853",
        events=[apex, never],
        args=(G,),
        rtol=1e-10,
        atol=1e-12,
    )
    assert sol.status == 0
    assert np.allclose(sol.sens_t_events[0], [[-SPEED / G**2, 0, 1 / G]])
    # the height at the apex is h + v**2 / 2g
    wanted = [[-(SPEED**2) / (2 * G**2), 1, SPEED / G], [0, 0, 0]]
    assert np.allclose(sol.sens_y_events[0][0], wanted, atol=1e-9)
    assert sol.sens_t_events[1].shape == (0, 3)
    assert sol.sens_y_events[1].shape == (0, 2, 3)


def late(t, y, g):
    return t - g / 10


def test_an_event_of_time_and_arguments():
    sol = solve_ivp(ball, (0, 1), [HEIGHT, SPEED], "RK45", events=late, args=(G,), rtol=1e-9)
    assert np.allclose(sol.sens_t_events[0], [[0.1, 0, 0]])


def opaque_ground(t, y, g):
    return eval("y[0]")


opaque_ground.terminal = True
opaque_ground.direction = -1


def test_an_event_that_is_only_python():
    sol = solve_ivp(
        ball, (0, 100), [HEIGHT, SPEED], "DOP853", events=opaque_ground, args=(G,), rtol=1e-9
    )
    assert np.allclose(sol.sens_t_events[0][0], _gradient(_impact, G, HEIGHT, SPEED), rtol=1e-6)


def nearly_touching(t, y, g):
    return 1e-15 - (t - 1.0) ** 2


def test_a_contact_without_crossing_is_refused():
    settings = {"first_step": 0.25, "max_step": 0.25, "rtol": 1.0}  # a step ends at t = 1
    with pytest.raises(GrazingError, match="event 0 without crossing") as caught:
        solve_ivp(ball, (0, 2), [HEIGHT, SPEED], events=nearly_touching, args=(G,), **settings)
    assert caught.value.result.t[-1] == 2.0  # nothing is lost


def _bounced(x, count):
    """Height at t = 3 after so many bounces with restitution e: closed form of (g, h, e)."""
    g, h, e = x
    time, speed = np.sqrt(2 * h / g), np.sqrt(2 * g * h)
    for k in range(count):
        speed = e * speed
        if k < count - 1:
            time = time + 2 * speed / g
    left = 3.0 - time
    return speed * left - g * left**2 / 2


def test_a_ball_that_bounces_is_differentiated_through_each_bounce():
    """The derivatives of one solve's end are the next one's beginning."""
    g, h, e = G, 3.0, 0.8

    def fall(t, y, g, e):
        return [y[1], -g]

    def ground(t, y, g, e):
        return y[0]

    ground.terminal, ground.direction = True, -1
    settings = {"args": (g, e), "wrt": ("args", "y0[0]"), "rtol": 1e-11, "atol": 1e-12}
    t, y, more, bounces = 0.0, np.array([h, 0.0]), {}, 0
    while True:
        sol = solve_ivp(fall, (t, 3.0), y, "DOP853", events=ground, **settings, **more)
        if sol.status == 0:
            break
        bounces += 1
        t, before = sol.t_events[0][0], sol.y_events[0][0]
        y = np.array([0.0, -e * before[1]])
        moved = sol.sens_y_events[0][0]
        dy0 = np.array([np.zeros(3), -e * moved[1]])
        dy0[1, 1] -= before[1]  # the restitution itself
        more = {"dy0": dy0, "dt0": sol.sens_t_events[0][0]}
    assert bounces == 2
    assert np.isclose(sol.y[0, -1], _bounced((g, h, e), bounces))
    by_g, by_h, by_e = _gradient(lambda *x: _bounced(x, bounces), g, h, e)
    assert np.allclose(sol.sens[0, -1], [by_g, by_e, by_h], rtol=1e-8)
