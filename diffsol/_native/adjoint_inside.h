/* adjoint_inside.h - what the backward pass is made of. */
#ifndef DS_ADJOINT_INSIDE_H
#define DS_ADJOINT_INSIDE_H
#include "adjoint.h"
#include "ivp.h"

enum { MOST_NODES = 4, MOST_HALVINGS = 12 }; /* of a formula for integrals, and of a piece that it is for */

typedef struct {
    ds_adjoint public; /* first: a ds_adjoint* is one of these */
    const ds_method *method;
    int64_t chunk, segment; /* used last */
    double *x;              /* lambda and y, 2 n numbers */
    double *x_cost;         /* 1 and y */
    double *slope;          /* n numbers, or n_params */
    double *rows;           /* what is integrated, at the nodes of a formula */
    double *levels;         /* integrals over a piece, its halves, theirs, ... */
    double *jac_values;
    double *q;              /* interpolant of lambda, when its size is known */
    int64_t q_room;
    int64_t stop;           /* next one to be left */
    int open;               /* on the way from one to the next */
    ds_slice slice;
} ds_backward;

/* To the segment of the forward solution before the current one; 0: there is none. */
int ds_adjoint_go_back(ds_backward *b);
double ds_adjoint_begins(const ds_backward *b);
/* Make the segment current in which t lies; of two that meet there, the one that was nearer. */
void ds_adjoint_find(ds_backward *b, double t);
/* y(t) by the current segment. */
void ds_adjoint_forward_state(const ds_backward *b, double t, double *y);
/* One kernel; what is not finite the stepper notices, and flags mean no warning of Python's here. */
int ds_adjoint_call(const ds_function *function, double t, const double *x, double *out);
/* Add the integrals over the step just made. */
int ds_adjoint_integrate_step(ds_backward *b, ds_ivp *back);

#endif
