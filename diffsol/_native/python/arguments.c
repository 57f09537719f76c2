/* arguments.c - t, y and the further arguments of a Python function. The tuple, the array and the
 * np.float64 of one call serve the next one if nobody but the tuple's owner has them still: making
 * them costs as much as calling a short function. */
#define NO_IMPORT_ARRAY /* call.c does */
#include "arguments.h"
#include <string.h>

static Py_ssize_t place_of_y(const ds_python *call) { return call->y_first ? 0 : 1; }

static int type_of(const ds_python *call) { return call->is_complex ? NPY_CDOUBLE : NPY_DOUBLE; }

static size_t bytes_of(const ds_python *call) {
    return (size_t)call->n * (call->is_complex ? 2 : 1) * sizeof(double);
}

PyArrayObject *ds_python_state(const ds_python *call, PyObject *arguments) {
    return (PyArrayObject *)PyTuple_GetItem(arguments, place_of_y(call));
}

/* --- An array for y ------------------------------------------------------------------------------ */

static PyObject *array_over(const ds_python *call, double *y) {
    npy_intp n = call->n;
    PyObject *array = PyArray_New(&PyArray_Type, 1, &n, type_of(call), NULL, y, 0,
                                  NPY_ARRAY_CARRAY, NULL);
    PyObject *base = array ? PyObject_GetAttrString((PyObject *)call->owner, "state") : NULL;
    if (base && PyArray_SetBaseObject((PyArrayObject *)array, base) == 0) return array;
    Py_XDECREF(array);
    return NULL;
}

static PyObject *new_state(const ds_python *call, double *y) {
    if (call->shared) return array_over(call, y);
    npy_intp n = call->n;
    PyObject *array = PyArray_SimpleNew(1, &n, type_of(call));
    if (array) memcpy(PyArray_DATA((PyArrayObject *)array), y, bytes_of(call));
    return array;
}

/* The array of the call before will do again: people keep them, and change their shape. */
static int set_state(const ds_python *call, PyObject *arguments, double *y) {
    PyArrayObject *before = ds_python_state(call, arguments);
    if (ds_is_vector(before, call->n, type_of(call), NPY_ARRAY_CARRAY)) {
        if (call->shared && PyArray_DATA(before) == y) return 0;
        if (!call->shared && Py_REFCNT((PyObject *)before) == 1) {
            memcpy(PyArray_DATA(before), y, bytes_of(call));
            return 0;
        }
    }
    PyObject *array = new_state(call, y);
    return array ? PyTuple_SetItem(arguments, place_of_y(call), array) : -1;
}

/* --- t -------------------------------------------------------------------------------------------- */

static PyObject *new_time(int is_float, double t) {
    if (is_float) return PyFloat_FromDouble(t);
    PyArray_Descr *type = PyArray_DescrFromType(NPY_DOUBLE);
    PyObject *time = type ? PyArray_Scalar(&t, type, NULL) : NULL;
    Py_XDECREF((PyObject *)type);
    return time;
}

static int set_time(const ds_python *call, PyObject *arguments, int is_float, double t) {
    const Py_ssize_t place = 1 - place_of_y(call);
    PyObject *before = PyTuple_GetItem(arguments, place);
    if (!is_float && Py_REFCNT(before) == 1 && ds_is_float64(before)) {
        ((PyDoubleScalarObject *)before)->obval = t;
        return 0;
    }
    PyObject *time = new_time(is_float, t);
    return time ? PyTuple_SetItem(arguments, place, time) : -1;
}

/* --- The tuple ------------------------------------------------------------------------------------ */

static PyObject *further_arguments(const ds_python *call) {
    PyObject *args = PyObject_GetAttrString((PyObject *)call->owner, "args");
    PyObject *tuple = args ? PySequence_Tuple(args) : NULL;
    Py_XDECREF(args);
    return tuple;
}

/* Takes over `time` and `state`. */
static void fill(const ds_python *call, PyObject *arguments, PyObject *time, PyObject *state,
                 PyObject *further) {
    PyTuple_SetItem(arguments, 1 - place_of_y(call), time);
    PyTuple_SetItem(arguments, place_of_y(call), state);
    for (Py_ssize_t i = 0; i < PyTuple_Size(further); ++i) {
        PyObject *item = PyTuple_GetItem(further, i);
        Py_INCREF(item);
        PyTuple_SetItem(arguments, 2 + i, item);
    }
}

static PyObject *new_tuple(const ds_python *call, int t_is_float, double t, double *y) {
    PyObject *further = further_arguments(call);
    PyObject *arguments = further ? PyTuple_New(2 + PyTuple_Size(further)) : NULL;
    PyObject *time = arguments ? new_time(t_is_float, t) : NULL;
    PyObject *state = time ? new_state(call, y) : NULL;
    if (state)
        fill(call, arguments, time, state, further);
    else {
        Py_XDECREF(time);
        Py_CLEAR(arguments);
    }
    Py_XDECREF(further);
    return arguments;
}

/* A new tuple, which the owner holds from now on. */
static int renew(ds_python *call, int t_is_float, double t, double *y) {
    PyObject *arguments = new_tuple(call, t_is_float, t, y);
    if (!arguments) return -1;
    const int failed = PyObject_SetAttrString((PyObject *)call->owner, "arguments", arguments);
    call->arguments = failed ? NULL : arguments;
    Py_DECREF(arguments);
    return failed;
}

PyObject *ds_python_arguments(ds_python *call, int t_is_float, double t, double *y) {
    PyObject *arguments = call->arguments;
    const int failed =
        arguments && Py_REFCNT(arguments) == 1
            ? set_time(call, arguments, t_is_float, t) || set_state(call, arguments, y)
            : renew(call, t_is_float, t, y);
    if (failed) return NULL;
    arguments = call->arguments;
    Py_INCREF(arguments);
    return arguments;
}
