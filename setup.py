"""The compiled part; everything else is in pyproject.toml."""

import sysconfig

from setuptools import setup

# An interpreter without its global lock has no stable ABI (so far): a wheel is then for one version.
free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    cffi_modules=["diffsol/_native/build.py:ffibuilder"],
    options={} if free_threaded else {"bdist_wheel": {"py_limited_api": "cp311"}},
)
