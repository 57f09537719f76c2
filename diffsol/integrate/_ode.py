"""ode and complex_ode: SciPy's classes with native integrators.

This module imports SciPy; `diffsol.integrate` imports it when one of the classes is first used.
"""

import warnings
from typing import Any

import numpy as np

from diffsol.integrate import _ode_hairer, _ode_lsoda, _ode_vode, _scipy
from diffsol.integrate._ode_integrators import Native

_scipy_ode: Any = _scipy.ode_module()

NATIVE = _ode_hairer.NATIVE | _ode_lsoda.NATIVE | _ode_vode.NATIVE  # SciPy's integrators and ours
_BY_NAME = {cls.__name__: native for cls, native in NATIVE.items()}  # as most people write them
# Where SciPy looks for a name, as it was: people may add classes of theirs.
_SCIPYS_CLASSES = list(_scipy_ode.IntegratorBase.integrator_classes)


def _become(integrator, own):
    """SciPy's object gets our class, whose properties take over attributes of their names: after
    `set_initial_value` they are there already."""
    integrator.__class__ = own
    for name in [n for n in vars(integrator) if isinstance(getattr(own, n, None), property)]:
        setattr(integrator, name, vars(integrator).pop(name))


class ode(_scipy_ode.ode):
    """Integrator object for y'(t) = f(t, y), advanced by calls of `integrate`.

    A subclass of SciPy's class of the same name, with its attributes and methods.  The integrators
    'vode', 'zvode', 'lsoda', 'dopri5' and 'dop853' take their steps in native code.

    Parameters
    ----------
    f : callable ``f(t, y, *f_args)``
        Right-hand side: ``t`` is a float, ``y.shape == (n,)``; returns n numbers.  ``f_args`` are
        set by ``set_f_params(*args)``.
    jac : callable ``jac(t, y, *jac_args)``, optional
        Jacobian of the right-hand side, ``jac[i, j] = d f[i] / d y[j]``.  ``jac_args`` are set by
        ``set_jac_params(*args)``.

    Attributes
    ----------
    t : float
        Current time.
    y : ndarray
        Current state.

    See also
    --------
    solve_ivp, odeint

    References
    ----------
    .. [1] E. Hairer, S. P. Norsett, G. Wanner, "Solving Ordinary Differential Equations I: Nonstiff
           Problems", 2nd edition, Springer, 1993.
    .. [2] L. Petzold, "Automatic selection of methods for solving stiff and nonstiff systems of
           ordinary differential equations", SIAM J. Sci. Stat. Comput., Vol. 4, pp. 136-148, 1983.
    .. [3] P. N. Brown, G. D. Byrne, A. C. Hindmarsh, "VODE: a variable-coefficient ODE solver",
           SIAM J. Sci. Stat. Comput., Vol. 10, pp. 1038-1051, 1989.

    Examples
    --------
    >>> from diffsol.integrate import ode
    >>> r = ode(lambda t, y, k: -k * y).set_integrator("dopri5")
    >>> r = r.set_initial_value([1.0], 0.0).set_f_params(0.5)
    >>> print(r.integrate(2.0))
    [0.36787943]
    """

    def set_integrator(self, name, **integrator_params):
        """Set the integrator by the beginning of its name, with its options.

        Parameters
        ----------
        name : str
            'vode', 'zvode', 'dopri5', 'dop853' or 'lsoda', or the beginning of one of them.
        **integrator_params
            Options of the integrator.
        """
        cls = _class_named(name)
        if cls is None:
            message = f"No integrator name match with {name!r} or is not available."
            warnings.warn(message, stacklevel=2)
            return self
        if type(self) is ode:  # as SciPy's, which would look for the name again
            self._integrator = integrator = cls(**integrator_params)
            if not len(self._y):
                self.t, self._y = 0.0, np.zeros(1, integrator.scalar)
            integrator.reset(len(self._y), self.jac is not None)
            return self
        super().set_integrator(name, **integrator_params)
        # SciPy's integrator object, made with SciPy's checks; only its steps become ours
        found = type(self._integrator)
        _become(self._integrator, NATIVE.get(found, found))
        return self

    def set_initial_value(self, y, t=0.0):
        """Set the initial conditions y(t) = y."""
        if type(self) is ode and type(y) in (list, np.ndarray) and len(self._y):
            # the usual, and quick: as SciPy's
            self._y, self.t = np.array(y, self._integrator.scalar), t
            self._integrator.reset(len(self._y), self.jac is not None)
            return self
        return super().set_initial_value(y, t)

    def integrate(self, t, step=False, relax=False):
        """Find y(t), set it as the initial condition, and return it.

        Parameters
        ----------
        t : float
            Where to integrate to.
        step : bool
            Take one step of the integrator and return, if it can do that.
        relax : bool
            Return at the end of the first step at or beyond `t`, if the integrator can do that.

        Returns
        -------
        y : ndarray
            The state that was reached, at the time in the attribute ``t``.
        """
        integrator = self._integrator
        if (
            type(self) is ode
            and isinstance(integrator, Native)
            and integrator._native is not None
            and not (step or relax)
        ):
            done = integrator.go_on(
                self.f, self.jac, self._y, self.t, t, self.f_params, self.jac_params
            )
            if done is not None:
                self._y, self.t = done
                return done[0]
        return super().integrate(t, step, relax)


def _class_named(name):
    """Ours for the first of SciPy's integrators whose name begins so, or a class of the user's; else
    None."""
    if name in _BY_NAME and _scipy_ode.IntegratorBase.integrator_classes == _SCIPYS_CLASSES:
        return _BY_NAME[name]  # the usual, and quick: SciPy compares by regular expressions
    found = _scipy_ode.find_integrator(name)
    return NATIVE.get(found, found)


class complex_ode(ode, _scipy_ode.complex_ode):
    """`ode` for complex states, by real integrators: real and imaginary parts take turns.

    A subclass of SciPy's class of the same name, with its attributes and methods.

    Parameters
    ----------
    f : callable ``f(t, y, *f_args)``
        Right-hand side: ``t`` is a float, ``y`` complex with ``y.shape == (n,)``.
    jac : callable ``jac(t, y, *jac_args)``, optional
        Jacobian of the right-hand side, ``jac[i, j] = d f[i] / d y[j]``.

    Attributes
    ----------
    t : float
        Current time.
    y : ndarray
        Current state, complex.

    References
    ----------
    See `ode`.
    """

    def set_initial_value(self, y, t=0.0):
        """Set the initial conditions y(t) = y."""
        super().set_initial_value(y, t)
        # SciPy before 1.17 keeps the array in which it later puts the derivatives
        self._y = self._y.copy()
        return self
