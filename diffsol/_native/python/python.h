/* python.h - Python and NumPy as the files of this folder include them: the limited API, so that one
 * wheel serves every version of Python, and NumPy's since 2.0. */
#ifndef DS_PYTHON_H
#define DS_PYTHON_H
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030b0000
#endif
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL ds_numpy_api
#include <Python.h>
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

/* An ndarray of n numbers of this type, side by side and not byte-swapped? */
static inline int ds_is_vector(PyArrayObject *array, int64_t n, int type, int flags) {
    return PyArray_NDIM(array) == 1 && PyArray_DIM(array, 0) == n && PyArray_TYPE(array) == type &&
           PyArray_ISNOTSWAPPED(array) && PyArray_CHKFLAGS(array, flags);
}

static inline int ds_is_float64(PyObject *object) {
    return (PyObject *)Py_TYPE(object) == (PyObject *)&PyDoubleArrType_Type;
}

#endif
