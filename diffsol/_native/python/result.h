/* result.h - numbers out of what a Python function returned. */
#ifndef DS_PYTHON_RESULT_H
#define DS_PYTHON_RESULT_H
#include "call.h"
#include "python.h"

/* The n numbers of a right-hand side's result. 0, or -1 and an exception. */
int ds_python_take(const ds_python *call, PyObject *result, double *out);

/* An event's result, which is a real number. */
int ds_python_take_event(const ds_python *call, PyObject *result, int flags, double *out);

#endif
