"""The instructions of Python's bytecode as the tracer carries them out; importing fills the table."""

from diffsol._trace.steps import building, data, flow, operators
from diffsol._trace.steps.registry import STEPS

__all__ = ["STEPS", "building", "data", "flow", "operators"]
