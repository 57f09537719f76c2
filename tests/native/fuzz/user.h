/* user.h - the user's side of a fuzzed solve: functions, as Python and as kernels, that return what
 * the input says, and stop after so many calls that no input takes long. */
#ifndef FUZZ_USER_H
#define FUZZ_USER_H
#include "api.h"
#include "input.h"

enum { MOST_STATES = 8, MOST_WIDTH = 2 * MOST_STATES, MOST_ENTRIES = MOST_STATES * MOST_STATES };

/* What a kernel's params point at. The kernel protocol hands on doubles: all of them are. */
typedef struct {
    double width;   /* doubles in a state */
    double form;    /* of the derivative: see user.c */
    double rate;
    double odd_after, odd;    /* beyond this time components are that number */
    double ask_every;         /* the kernel asks for Python at each so many calls; 0: never */
    double flag_every;        /* it raises a floating-point flag */
    double entries;           /* of the Jacobian, in doubles */
} system_;

typedef struct {
    system_ system;
    int64_t left;   /* calls until Python "raises": the bound of the work */
    int64_t columns; /* of the Jacobian's differences in one call, at most */
    int writes;     /* fun writes into y */
    double answer;  /* to DS_CALL_STEP */
} user;

/* A user whose derivative is of `width` doubles and whose Jacobian has `entries` doubles. */
void take_user(input *in, user *u, int64_t width, int64_t entries);

/* The callback of every solver. */
int ask_user(void *handle, int which, int flags, double t, double *y, double *out);

/* Kernels of the derivative, of a Jacobian and of an event; with &user.system as parameters. */
int derivative_kernel(double t, const double *y, double *out, const double *p);
int jacobian_kernel(double t, const double *y, double *out, const double *p);
int event_kernel(double t, const double *y, double *out, const double *p);

/* Kernels have called so often in this input that they ask for Python from now on. */
void allow_kernel_calls(int64_t calls);

/* Reads every number: a sanitizer tells those that are not there, MemorySanitizer those that nobody
 * wrote. */
void read_all(const void *memory, size_t bytes);

void fuzz_ivp(input *in);
void fuzz_odeint(input *in);
void fuzz_vode(input *in);
void fuzz_hairer(input *in);

/* A Jacobian's pattern and its plan: full, banded (bandwidths in the plan) or sparse. */
typedef struct {
    ds_pattern pattern;
    ds_lu_plan plan;
    int64_t start[MOST_STATES + 1], rows[MOST_ENTRIES], order[MOST_STATES], groups[MOST_STATES];
} structure;

void take_structure(input *in, structure *s, int64_t n, int may_be_sparse);
#endif
