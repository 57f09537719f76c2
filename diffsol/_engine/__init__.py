"""The engine: one problem, its functions at the tier that pays, and the native solver."""

from diffsol._engine.callback import Unusual
from diffsol._engine.function import Function
from diffsol._engine.jacobian import Jacobian, LsodaJacobian
from diffsol._engine.run import Run

__all__ = ["Function", "Jacobian", "LsodaJacobian", "Run", "Unusual"]
