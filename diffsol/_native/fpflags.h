/* fpflags.h - did a computation divide by zero, overflow or make a nan? On x86 this reads one
 * register. */
#ifndef DS_FPFLAGS_H
#define DS_FPFLAGS_H

#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#define DS_FLAGS (_MM_EXCEPT_INVALID | _MM_EXCEPT_DIV_ZERO | _MM_EXCEPT_OVERFLOW)
static inline int ds_flags_raised(void) { return (_mm_getcsr() & DS_FLAGS) != 0; }
static inline void ds_flags_clear(void) { _mm_setcsr(_mm_getcsr() & ~(unsigned)_MM_EXCEPT_MASK); }
#else
#include <fenv.h>
#define DS_FLAGS (FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW)
static inline int ds_flags_raised(void) { return fetestexcept(DS_FLAGS) != 0; }
static inline void ds_flags_clear(void) { feclearexcept(FE_ALL_EXCEPT); }
#endif

#endif
