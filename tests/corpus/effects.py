"""What a function does besides its result: logs, counters, histories, state machines, output, clocks, luck."""

import importlib.util
import itertools
import logging
import os
import random
import tempfile
import time
import warnings

import numpy as np

from corpus.registry import compiles, stays_python

calls = 0
trajectory = []


@stays_python("side-effect", [1.0], 2.0, made=True)
def global_counter():
    global calls
    calls = 0

    def rhs(t, y):
        global calls
        calls += 1
        return -y

    return rhs, lambda: calls


@stays_python("side-effect", [1.0, 0.0], 2.0, made=True)
def nonlocal_counter():
    evaluations = 0

    def rhs(t, y):
        nonlocal evaluations
        evaluations += 1
        return [y[1], -y[0]]

    return rhs, lambda: evaluations


@stays_python("side-effect", [1.0, 0.0], 2.0, call="odeint", made=True)
def appends_to_a_list():
    trajectory.clear()

    def rhs(y, t):
        force = np.sin(3 * t) - y[0]
        trajectory.append((t, force))
        return [y[1], force]

    return rhs, lambda: list(trajectory)


@stays_python("side-effect", [0.0], 3.0, {"last": 0.0, "n": 0})
def writes_into_a_dict_of_args(t, y, info):
    info["last"] = t
    info["n"] += 1
    return [np.cos(t)]


class PID:
    """The integral and the last error are kept between calls, wherever the solver makes them."""

    def __init__(self):
        self.integral = 0.0
        self.last_error = None
        self.last_t = 0.0

    def rhs(self, t, y):
        error = 1.0 - y[0]
        dt = t - self.last_t
        self.integral += error * dt
        slope = 0.0 if self.last_error is None or dt == 0 else (error - self.last_error) / dt
        self.last_error, self.last_t = error, t
        u = 2.0 * error + 0.5 * self.integral + 0.01 * slope
        return [y[1], u - 0.5 * y[1]]


@stays_python("side-effect", [0.0, 0.0], 3.0, made=True, max_step=0.1)
def pid_with_memory():
    pid = PID()
    return pid.rhs, lambda: (pid.integral, pid.last_t)


class Relay:
    def __init__(self):
        self.on = False
        self.switches = []

    def __call__(self, t, y):
        if self.on and y[0] > 21:
            self.on = False
            self.switches.append(t)
        elif not self.on and y[0] < 19:
            self.on = True
            self.switches.append(t)
        return [3.0 * self.on - 0.1 * (y[0] - 10.0)]


@stays_python("side-effect", [20.0], 10.0, made=True, max_step=0.2)
def thermostat_with_hysteresis():
    relay = Relay()
    return relay, lambda: (relay.on, relay.switches)


@stays_python("side-effect", [1.0, 0.2], 5.0, method="LSODA", made=True)
def body_that_is_moved():
    class Body:
        pass

    body = Body()

    def rhs(t, y):
        body.position = y[0]
        body.velocity = y[1]
        return [body.velocity, -body.position]

    return rhs, lambda: (body.position, body.velocity)


@stays_python("input-output", [1.0], 1.0)
def prints_time_and_state(t, y):
    print("t =", t, "y =", y)
    return -y


VERBOSE = False


@compiles([1.0], 1.0)
def print_guarded_by_a_flag(t, y):
    rate = -0.5 * y[0]
    if VERBOSE:
        print("rate", rate)
    return [rate]


@compiles([1.0], 1.0)
def debug_code_left_over(t, y):
    DEBUG = False
    unused = np.zeros(3)
    k1, k2 = 0.5, 0.1  # k2 is not used any longer
    # old = -k2 * y
    if DEBUG and t > 0:
        trajectory.append(t)
        raise SystemExit
    return [-k1 * y[0]]


@stays_python("input-output", [1.0], 1.0)
def prints_when_negative(t, y):
    if y[0] < 0.5:
        print("below one half")
    return -y


@stays_python("input-output", [1.0], 2.0, made=True)
def logs_with_logging():
    lines = []
    log = logging.Logger("corpus", logging.DEBUG)
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    log.addHandler(handler)

    def rhs(t, y):
        log.debug("evaluated at %.3f", t)
        return -y

    return rhs, lambda: lines


@stays_python("input-output", [1.0], 2.0, made=True)
def writes_a_file():
    handle, path = tempfile.mkstemp()
    os.close(handle)

    def rhs(t, y):
        with open(path, "a") as f:
            f.write(f"{t:.3f} {y[0]:.3f}\n")
        return -y

    def read():
        with open(path) as f:
            text = f.read()
        os.remove(path)
        return text

    return rhs, read


@stays_python("random", [0.0], 1.0, made=True)
def noise_of_numpy():
    np.random.seed(7)

    def rhs(t, y):
        return -y + 0.1 * np.random.randn()

    return rhs, lambda: np.random.get_state()[2]


@stays_python("random", [0.0], 1.0, made=True)
def noise_of_a_generator():
    rng = np.random.default_rng(1)

    def rhs(t, y):
        return -y + 0.1 * rng.normal(size=1)

    return rhs, lambda: rng.bit_generator.state["state"]["state"]


@stays_python("random", [0.0], 1.0, made=True)
def noise_of_random():
    random.seed(3)

    def rhs(t, y):
        return [random.gauss(0, 0.1) - y[0]]

    return rhs, random.random


@stays_python("clock", [1.0], 1.0, made=True)
def stopwatch():
    started = time.perf_counter()

    def rhs(t, y):
        if time.perf_counter() - started > 600:
            raise TimeoutError("too slow")
        return -y

    return rhs


@stays_python("side-effect", [1.0], 2.0, made=True)
def counter_of_itertools():
    count = itertools.count()

    def rhs(t, y):
        next(count)
        return -y

    return rhs, lambda: next(count)


@stays_python("unknown-attribute", [1.0], 2.0, made=True)
def counts_on_itself():
    def rhs(t, y):
        rhs.calls += 1
        return -y

    rhs.calls = 0
    return rhs, lambda: rhs.calls


@stays_python("side-effect", [0.0], 3.0, made=True)
def generator_of_inputs():
    """A generator that is asked for the next input at each call."""

    def inputs():
        u = 1.0
        while True:
            yield u
            u *= 0.9

    feed = inputs()

    def rhs(t, y):
        return [next(feed) - y[0]]

    return rhs, lambda: next(feed)


@stays_python("side-effect", [1.0], 3.0, made=True)
def history_for_a_delay():
    """A delay equation by looking up what was seen before."""
    times, values = [0.0], [1.0]

    def rhs(t, y):
        if t > times[-1]:
            times.append(float(t))
            values.append(float(y[0]))
        return [-values[max(0, np.searchsorted(times, t - 1.0) - 1)]]

    return rhs, lambda: (times, values)


@stays_python("unknown-call", [1.0], 1.0)
def warns_by_itself(t, y):
    if y[0] < 0.5:
        warnings.warn("concentration is low", stacklevel=2)
    return -y


@stays_python("side-effect", [1.0], 2.0, made=True)
def callback_of_the_user():
    seen = []

    def monitor(t, y):
        seen.append(float(y[0]))

    def rhs(t, y, hook=monitor):
        hook(t, y)
        return -y

    return rhs, lambda: seen


@stays_python("concrete-value", [1.0], 2.0, made=True)
def memoised_by_hand():
    cache = {}

    def rhs(t, y):
        if t not in cache:
            cache[t] = np.exp(-t)
        return -cache[t] * y

    return rhs, lambda: sorted(cache)


if importlib.util.find_spec("tqdm"):
    import tqdm

    @stays_python("input-output", [1.0], 5.0, made=True)
    def progress_bar_of_tqdm():
        bar = tqdm.tqdm(total=5.0, disable=True)
        state = [0.0]

        def rhs(t, y):
            bar.update(t - state[0])
            state[0] = t
            return -y

        return rhs, lambda: (bar.n, state[0])
