/* scalar_code.h - functions for a few numbers, which gcc is to leave scalar. */
#ifndef DS_SCALAR_CODE_H
#define DS_SCALAR_CODE_H

/* Vector code stalls on a small state: it loads two numbers at once that somebody stored one by
 * one, and the processor cannot forward that (Lorenz, RK45: 128 ns a trial with vector code, 111
 * without; LU of 6 by 6, a solve: 82 ns and 17). */
#if defined(__GNUC__) && !defined(__clang__)
#define DS_SCALAR_CODE __attribute__((noinline, optimize("no-tree-vectorize")))
#else
#define DS_SCALAR_CODE
#endif

#endif
