"""For the tests of the C core."""

from integrate.which_scipy import FORTRAN

# They hold the steppers to SciPy's C code, call by call and to the last bit. Beside Fortran, which rounds
# in its own way and gives no such access, tests/integrate compares whole solves.
collect_ignore = ["test_lsoda.py", "test_vode.py"] if FORTRAN else []
