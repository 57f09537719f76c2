"""The compiled part; everything else is in pyproject.toml."""

from setuptools import setup

setup(
    cffi_modules=["diffsol/_native/build.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
