/* columns.h - a state with sensitivity columns: y, n_states numbers, and behind it columns of as many
 * numbers, each the derivative of y by one parameter. y's equations do not know of the columns; theirs
 * are linear in them.
 *
 * Where there may be columns the includer says DS_COLUMNS 1 before it reads a step header, sets n_states
 * and n_tested of the problem (the numbers that error norms are over: those of y, or all), and has, beside
 * DS_RHS for y alone, DS_RHS_ALL for y and its columns with the same arguments. Elsewhere y is all there
 * is, and nothing of this file is left after the preprocessor. */
#ifndef DS_COLUMNS_H
#define DS_COLUMNS_H
#include "ds_lane.h"

#ifndef DS_COLUMNS
#define DS_COLUMNS 0
#endif
#ifndef DS_RHS_ALL
#define DS_RHS_ALL DS_RHS
#endif

#if DS_COLUMNS
#define DS_STATES(p) ((p)->n_states)
#define DS_TESTED(p) ((p)->n_tested)

/* The larger one, or the nan. */
DS_FN R ds_larger(R a, R b) { return a >= b || a != a ? a : b; }

/* `norm` of y becomes that of y and the columns that are tested: the largest of theirs. `of` is the norm of
 * the numbers from `begin` on. One norm over all would test y the less strictly the more columns there
 * are, and make each column's accuracy depend on which others were asked for (CVODES takes the largest,
 * too: Serban and Hindmarsh, UCRL-JP-200037, 2005). */
#define DS_AND_COLUMNS(p, norm, begin, of)                                             \
    for (ds_int begin = DS_STATES(p); begin < DS_TESTED(p); begin += DS_STATES(p)) \
        norm = ds_larger(norm, of)

/* For the numbers of each column, from `begin` on. */
#define DS_EACH_COLUMN(p, begin) \
    for (ds_int begin = DS_STATES(p); begin < (p)->n; begin += DS_STATES(p))
#else
#define DS_STATES(p) ((p)->n)
#define DS_TESTED(p) ((p)->n)
#define DS_AND_COLUMNS(p, norm, begin, of) (void)0
#endif

#endif
