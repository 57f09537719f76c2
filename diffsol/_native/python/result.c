/* result.c - numbers out of what a Python function returned. What C does here is what NumPy's
 * conversion does, value by value; anything else is NumPy's, and the owner's checks'. */
#define NO_IMPORT_ARRAY /* call.c does */
#include "result.h"
#include <string.h>

static int take_array(const ds_python *call, PyObject *result, double *out) {
    const int type = call->is_complex ? NPY_CDOUBLE : NPY_DOUBLE;
    PyArrayObject *array = (PyArrayObject *)result;
    if (!PyArray_CheckExact(result) || !ds_is_vector(array, call->n, type, NPY_ARRAY_CARRAY_RO))
        return 0;
    memcpy(out, PyArray_DATA(array), PyArray_NBYTES(array));
    return 1;
}

/* Subclasses are NumPy's: they may have a __float__ of their own. */
static int take_real(PyObject *number, double *out) {
    if (!PyFloat_CheckExact(number) && !ds_is_float64(number) && !PyLong_CheckExact(number))
        return 0;
    *out = PyFloat_AsDouble(number);
    if (*out != -1 || !PyErr_Occurred()) return 1;
    PyErr_Clear(); /* an integer beyond all floats: NumPy says so */
    return 0;
}

static int take_complex(PyObject *number, double *out) {
    if (!Py_IS_TYPE(number, &PyComplex_Type) && !Py_IS_TYPE(number, &PyCDoubleArrType_Type)) {
        out[1] = 0;
        return take_real(number, out);
    }
    out[0] = PyComplex_RealAsDouble(number);
    out[1] = PyComplex_ImagAsDouble(number);
    return 1;
}

static int take_number(const ds_python *call, PyObject *number, double *out) {
    return call->is_complex ? take_complex(number, out) : take_real(number, out);
}

/* A list or tuple of n numbers. */
static int take_sequence(const ds_python *call, PyObject *result, double *out) {
    const int is_list = PyList_CheckExact(result), parts = call->is_complex ? 2 : 1;
    if (!is_list && !PyTuple_CheckExact(result)) return 0;
    if ((is_list ? PyList_Size(result) : PyTuple_Size(result)) != call->n) return 0;
    for (Py_ssize_t i = 0; i < call->n; ++i) {
        PyObject *item = is_list ? PyList_GetItem(result, i) : PyTuple_GetItem(result, i);
        if (!take_number(call, item, out + parts * i)) return 0;
    }
    return 1;
}

static int take_by_owner(const ds_python *call, PyObject *result, double *out) {
    PyObject *array = PyObject_CallMethod((PyObject *)call->owner, "take", "(O)", result);
    const int taken = array && take_array(call, array, out);
    if (array && !taken) PyErr_SetString(PyExc_SystemError, "take() must return n numbers");
    Py_XDECREF(array);
    return taken ? 0 : -1;
}

int ds_python_take(const ds_python *call, PyObject *result, double *out) {
    if (take_array(call, result, out) || take_sequence(call, result, out)) return 0;
    if (call->n == 1 && take_number(call, result, out)) return 0;
    return take_by_owner(call, result, out);
}

int ds_python_take_event(const ds_python *call, PyObject *result, int flags, double *out) {
    if (PyFloat_CheckExact(result) || ds_is_float64(result)) {
        *out = PyFloat_AsDouble(result);
        return 0;
    }
    PyObject *value =
        PyObject_CallMethod((PyObject *)call->owner, "take_event", "Oi", result, flags);
    *out = value ? PyFloat_AsDouble(value) : 0;
    Py_XDECREF(value);
    return PyErr_Occurred() ? -1 : 0;
}
