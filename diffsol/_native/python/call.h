/* call.h - what Python sees of the way from the core to Python functions. */
#ifndef DS_PYTHON_CALL_H
#define DS_PYTHON_CALL_H
#include "../odeint.h"
#include "../vode.h"

/* The handle of a core whose callback is ds_call_python: one solve's functions. `owner`, a Python
 * object that outlives it, has
 *     fun, args     called as fun(t, y, *args), or fun(y, t, *args)
 *     events        a list of functions, called the same way
 *     state         ndarray whose memory the core's y is (only `shared`)
 *     take(result)  a result of fun that is not simply n numbers, as an ndarray (n,) of the state's type
 *     take_event(result, flags)  a result of an event that is not simply a number, as a float
 *     after()       called after each event, if `watched`
 *     answer(which, flags, t, y, out)  every other call; y and out are addresses
 *     keep_nonfinite(t, y)  told of the first evaluation of fun that is not finite; y is an address
 *     error         where an exception is kept
 * C reads them when it first needs them, so that a solve by kernels alone never pays; fun and events
 * must be the same from then on. */
typedef struct ds_python {
    uintptr_t owner;  /* id() of that object */
    int64_t n;        /* numbers in a state */
    int is_complex;
    int y_first;      /* fun takes y before t */
    int shared;       /* fun sees the core's own memory as y; else an array that it may keep */
    int by_answer;    /* the next call of fun, and no other, goes to `answer` as well */
    int watched;

    int told;         /* has an evaluation been told to keep_nonfinite? */

    /* NULL at first, then owner's attributes fun, events and arguments. */
    void *fun, *events, *arguments;
} ds_python;

/* advance(solve, seconds) with the interpreter's lock held all the while: its calls of Python find it
 * held, where taking it costs as much as calling a short function, and where other threads wait for it
 * a switch of threads. They get it as often as Python functions hand it over. */
typedef int (*ds_advance)(void *solve, double seconds);
int ds_python_advance(ds_advance advance, void *solve, double seconds);

/* ds_ivp_step, ds_odeint_run and ds_vode_run in the same way. */
int ds_python_step(ds_ivp *ivp);
int ds_python_odeint_run(ds_odeint *solve, double seconds, double t, double t_out);
int ds_python_vode_run(ds_vode *solve, double seconds, int task, int anew, double t, double t_out);

#endif
