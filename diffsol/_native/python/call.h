/* call.h - what Python sees of the way from the core to Python functions. */
#ifndef DS_PYTHON_CALL_H
#define DS_PYTHON_CALL_H
#include "../api.h"

/* The handle of a core whose callback is ds_call_python: one solve's functions. `owner`, a Python
 * object that outlives it, has
 *     fun, args     called as fun(t, y, *args), or fun(y, t, *args)
 *     state         ndarray whose memory the core's y is (only `shared`)
 *     take(result)  a result that is not simply n numbers, as an ndarray (n,) of the state's type
 *     answer(which, flags, t, y, out)  every call that is not for fun; y and out are addresses
 *     error         where an exception is kept
 * They are read when the first call comes, so that a solve by kernels alone never pays. */
typedef struct ds_python {
    uintptr_t owner;  /* id() of that object */
    int64_t n;        /* numbers in a state */
    int is_complex;
    int y_first;      /* fun takes y before t */
    int shared;       /* fun sees the core's own memory as y; else an array that it may keep */
    int by_answer;    /* the next call of fun, and no other, goes to `answer` as well */

    /* Made when first needed, and then owner's attributes of the same names. */
    void *callable;
    void *arguments;
} ds_python;

#endif
