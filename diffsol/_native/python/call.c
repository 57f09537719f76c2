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

/* An attribute of the owner, which holds it, at the first use; NULL and an exception. */
static PyObject *found(const ds_python *call, void **place, const char *name) {
    if (!*place) {
        *place = PyObject_GetAttrString((PyObject *)call->owner, name);
        Py_XDECREF((PyObject *)*place);
    }
    return *place;
}

/* function(t, y, *args); a new reference, or NULL and an exception. */
static PyObject *result_of(ds_python *call, PyObject *function, int flags, double t, double *y) {
    PyObject *arguments = ds_python_arguments(call, flags & DS_T_IS_FLOAT, t, y);
    if (!arguments) return NULL;
    const void *data = PyArray_DATA(ds_python_state(call, arguments));
    PyObject *result = PyObject_Call(function, arguments, NULL);
    if (result && !call->shared) take_back(call, arguments, data, y);
    Py_DECREF(arguments);
    return result;
}

static int call_fun(ds_python *call, int flags, double t, double *y, double *out) {
    PyObject *fun = found(call, &call->fun, "fun");
    PyObject *result = fun ? result_of(call, fun, flags, t, y) : NULL;
    const int failed = result ? ds_python_take(call, result, out) : -1;
    Py_XDECREF(result);
    return failed;
}

static int call_event(ds_python *call, int which, int flags, double t, double *y, double *out) {
    PyObject *events = found(call, &call->events, "events");
    PyObject *event = events ? PyList_GetItem(events, which - 1) : NULL;
    PyObject *result = event ? result_of(call, event, flags, t, y) : NULL;
    int failed = result ? ds_python_take_event(call, result, flags, out) : -1;
    Py_XDECREF(result);
    if (failed || !call->watched) return failed;
    PyObject *done = PyObject_CallMethod((PyObject *)call->owner, "after", NULL);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static int call_answer(ds_python *call, int which, int flags, double t, double *y, double *out) {
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

static int dispatch(ds_python *call, int which, int flags, double t, double *y, double *out) {
    if (which > 0) return call_event(call, which, flags, t, y, out);
    if (which == 0 && !call->by_answer) return call_fun(call, flags, t, y, out);
    if (which == 0) call->by_answer = 0;
    return call_answer(call, which, flags, t, y, out);
}

static int is_finite(const ds_python *call, const double *out) {
    const int64_t count = call->n * (call->is_complex ? 2 : 1);
    double sums[4] = {0.0, 0.0, 0.0, 0.0}; /* of zeros, or nan; four, for one waits for itself */
    for (int64_t i = 0; i < count; i++) sums[i & 3] += 0.0 * out[i];
    return sums[0] + sums[1] + sums[2] + sums[3] == 0.0;
}

static int tell(ds_python *call, double t, double *y) {
    call->told = 1;
    PyObject *done = PyObject_CallMethod((PyObject *)call->owner, "keep_nonfinite", "dK", t,
                                         (unsigned long long)(uintptr_t)y);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

int ds_call_python(void *handle, int which, int flags, double t, double *y, double *out) {
    ds_python *call = handle;
    const PyGILState_STATE gil = PyGILState_Ensure();
    int failed = PyArray_ImportNumPyAPI() || dispatch(call, which, flags, t, y, out);
    if (!failed && which == 0 && !call->told && !is_finite(call, out)) failed = tell(call, t, y);
    if (failed) keep_error(call);
    PyGILState_Release(gil);
    return failed;
}

int ds_python_advance(ds_advance advance, void *solve, double seconds) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    const int code = advance(solve, seconds);
    PyGILState_Release(gil);
    return code;
}

int ds_python_step(ds_ivp *ivp) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    const int code = ds_ivp_step(ivp);
    PyGILState_Release(gil);
    return code;
}

int ds_python_odeint_run(ds_odeint *solve, double seconds, double t, double t_out) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    const int code = ds_odeint_run(solve, seconds, t, t_out);
    PyGILState_Release(gil);
    return code;
}

int ds_python_vode_run(ds_vode *solve, double seconds, int task, int anew, double t, double t_out) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    const int code = ds_vode_run(solve, seconds, task, anew, t, t_out);
    PyGILState_Release(gil);
    return code;
}
