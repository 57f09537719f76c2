"""The native core: C steppers and drivers, seen from Python as `_core.ffi` and `_core.lib`."""
