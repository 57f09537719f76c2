/* ds_single.h - what ds_text.h and diffsol/_compile/vector/math define for double precision, for a
 * GPU thread in single precision: the compiler's own functions, whose last bits are its own. */
#ifndef DS_SINGLE_H
#define DS_SINGLE_H

DS_FN V ds_fma(V a, V b, V c) { return DS_LIBM(fmaf)(a, b, c); }
DS_FN V ds_copysign(V size, V sign) { return DS_LIBM(copysignf)(size, sign); }
DS_FN V ds_rint(V x) { return DS_LIBM(rintf)(x); }
DS_FN V ds_trunc(V x) { return DS_LIBM(truncf)(x); }
DS_FN V ds_floor(V x) { return DS_LIBM(floorf)(x); }
DS_FN V ds_ceil(V x) { return DS_LIBM(ceilf)(x); }
DS_FN V ds_fmod(V a, V b) { return DS_LIBM(fmodf)(a, b); }

#define DS_SINGLE_OF(name, libm) \
    DS_FN V ds_math_##name(V x) { return DS_LIBM(libm##f)(x); }
#define DS_SINGLE_OF_TWO(name, libm) \
    DS_FN V ds_math_##name(V x, V y) { return DS_LIBM(libm##f)(x, y); }
DS_SINGLE_OF(exp, exp)
DS_SINGLE_OF(exp2, exp2)
DS_SINGLE_OF(expm1, expm1)
DS_SINGLE_OF(log, log)
DS_SINGLE_OF(log2, log2)
DS_SINGLE_OF(log10, log10)
DS_SINGLE_OF(log1p, log1p)
DS_SINGLE_OF(sin, sin)
DS_SINGLE_OF(cos, cos)
DS_SINGLE_OF(tan, tan)
DS_SINGLE_OF(arcsin, asin)
DS_SINGLE_OF(arccos, acos)
DS_SINGLE_OF(arctan, atan)
DS_SINGLE_OF(sinh, sinh)
DS_SINGLE_OF(cosh, cosh)
DS_SINGLE_OF(tanh, tanh)
DS_SINGLE_OF(arcsinh, asinh)
DS_SINGLE_OF(arccosh, acosh)
DS_SINGLE_OF(arctanh, atanh)
DS_SINGLE_OF(cbrt, cbrt)
DS_SINGLE_OF(erf, erf)
DS_SINGLE_OF(erfc, erfc)
DS_SINGLE_OF_TWO(pow, pow)
DS_SINGLE_OF_TWO(arctan2, atan2)
DS_SINGLE_OF_TWO(hypot, hypot)
#undef DS_SINGLE_OF
#undef DS_SINGLE_OF_TWO

#endif
