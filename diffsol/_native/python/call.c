/* call.c - from the core to a Python function and back. */
#include "call.h"
#include "arguments.h"
#include "result.h"
#include <string.h>

/* What fun did to y counts, if it is still an array of as many bytes. */
static void take_back(const ds_python *call, PyObject *arguments, const void *data, double *y) {
    PyArrayObject *state = ds_python_state(call, arguments);
    const size_t bytes = (size_t)call->n * (call->is_complex ? 2 : 1) * sizeof(double);
    if (PyArray_DATA(state) == data && (size_t)PyArray_NBYTES(state) == bytes)
        memcpy(y, data, bytes);
}

static int find_callable(ds_python *call) {
    PyObject *fun = PyObject_GetAttrString((PyObject *)call->owner, "fun");
    Py_XDECREF(fun); /* the owner holds it */
    call->callable = fun;
    return fun ? 0 : -1;
}

static int call_fun(ds_python *call, int t_is_float, double t, double *y, double *out) {
    if (!call->callable && find_callable(call)) return -1;
    PyObject *arguments = ds_python_arguments(call, t_is_float, t, y);
    if (!arguments) return -1;
    const void *data = PyArray_DATA(ds_python_state(call, arguments));
    PyObject *result = PyObject_Call(call->callable, arguments, NULL);
    const int failed = result ? ds_python_take(call, result, out) : -1;
    if (!failed && !call->shared) take_back(call, arguments, data, y);
    Py_XDECREF(result);
    Py_DECREF(arguments);
    return failed;
}

static int call_answer(ds_python *call, int which, int flags, double t, double *y, double *out) {
    call->by_answer = 0;
    PyObject *answer = PyObject_CallMethod((PyObject *)call->owner, "answer", "iidKK", which, flags, t,
                                           (unsigned long long)(uintptr_t)y,
                                           (unsigned long long)(uintptr_t)out);
    Py_XDECREF(answer);
    return answer ? 0 : -1;
}

static void keep_error(const ds_python *call) {
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback) PyException_SetTraceback(error, traceback);
    if (PyObject_SetAttrString((PyObject *)call->owner, "error", error)) PyErr_Clear();
    Py_XDECREF(type), Py_XDECREF(error), Py_XDECREF(traceback);
}

int ds_call_python(void *handle, int which, int flags, double t, double *y, double *out) {
    ds_python *call = handle;
    const PyGILState_STATE gil = PyGILState_Ensure();
    int failed = PyArray_ImportNumPyAPI();
    if (!failed)
        failed = which || call->by_answer ? call_answer(call, which, flags, t, y, out)
                                          : call_fun(call, flags & DS_T_IS_FLOAT, t, y, out);
    if (failed) keep_error(call);
    PyGILState_Release(gil);
    return failed != 0;
}
