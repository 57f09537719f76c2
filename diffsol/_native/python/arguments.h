/* arguments.h - the tuple of arguments that a Python function is called with. */
#ifndef DS_PYTHON_ARGUMENTS_H
#define DS_PYTHON_ARGUMENTS_H
#include "call.h"
#include "python.h"

/* (t, y, *args) or (y, t, *args) at this time and state; a new reference, or NULL and an exception. */
PyObject *ds_python_arguments(ds_python *call, int t_is_float, double t, double *y);

/* The state among them (borrowed). */
PyArrayObject *ds_python_state(const ds_python *call, PyObject *arguments);

#endif
