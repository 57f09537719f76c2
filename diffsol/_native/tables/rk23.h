/* RK23. Written by diffsol/_methods/emit.py, do not edit. P. Bogacki, L. F. Shampine, A 3(2) pair
 * of Runge-Kutta formulas, Appl. Math. Lett. 2 (1989) 321-325; interpolant: cubic Hermite. */
#include "clear.h"

#define DS_ERK_STAGE_COUNT 3
#define DS_ERK_ROW_COUNT 4
#define DS_ERK_EXTRA_COUNT 0
#define DS_ERK_DENSE_COUNT 3
#define DS_ERK_ERROR_ORDER 2
#define DS_ERK_STAGES(X) X(1, DS_C(0.5)) X(2, DS_C(0.75))
#define DS_ERK_A1(K) (DS_C(0.5) * K(0))
#define DS_ERK_A2(K) (DS_C(0.75) * K(1))
#define DS_ERK_B(K) (DS_C(0.2222222222222222) * K(0) + DS_C(0.3333333333333333) * K(1) \
    + DS_C(0.4444444444444444) * K(2))
#define DS_ERK_E(K) (DS_C(0.06944444444444445) * K(0) + DS_C(-0.08333333333333333) * K(1) \
    + DS_C(-0.1111111111111111) * K(2) + DS_C(0.125) * K(3))
#define DS_ERK_EXTRA_STAGES(X)
#define DS_ERK_P0(K) (DS_C(1.0) * K(0))
#define DS_ERK_P1(K) (DS_C(-1.3333333333333333) * K(0) + DS_C(1.0) * K(1) \
    + DS_C(1.3333333333333333) * K(2) + DS_C(-1.0) * K(3))
#define DS_ERK_P2(K) (DS_C(0.5555555555555556) * K(0) + DS_C(-0.6666666666666666) * K(1) \
    + DS_C(-0.8888888888888888) * K(2) + DS_C(1.0) * K(3))
#define DS_ERK_DENSE_SUMS(X) X(0) X(1) X(2)
