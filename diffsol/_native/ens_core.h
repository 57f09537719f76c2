/* ens_core.h - what ens.c and the instances for each method and number of lanes share. */
#ifndef DS_ENS_CORE_H
#define DS_ENS_CORE_H
#include "direction.h"
#include "ens.h"
#include "slice.h"
#include <math.h>
#include <stddef.h>

/* Everything that a worker keeps: it is followed by the lanes' state, whose type is the
 * instance's. */
typedef struct {
    ds_ens_worker public; /* first: a ds_ens_worker* is a ds_ens_range* */
    ds_slice slice;       /* its unit of work is a trial of all lanes */
    void *lanes;
    double *roots;        /* one for each event, of one lane and step */
    int64_t *happened;
} ds_ens_range;

/* One method for one number of lanes. */
typedef struct {
    size_t (*size)(const ds_ens *ens); /* bytes of the lanes' state */
    void (*begin)(ds_ens_range *range); /* its memory is zeros */
    int (*run)(ds_ens_range *range);   /* until the slice is over */
} ds_ens_core;

/* Lanes beyond what every processor of a kind has need functions for one instruction set among
 * others, as gcc writes them. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DS_ENS_WIDEST 8
#elif defined(__GNUC__) && (defined(__SSE2__) || defined(__ARM_NEON))
#define DS_ENS_WIDEST 2
#else
#define DS_ENS_WIDEST 1
#endif

#define DS_ENS_CORES(method) \
    extern const ds_ens_core method##_1, method##_2, method##_4, method##_8;
DS_ENS_CORES(ds_ens_rk23)
DS_ENS_CORES(ds_ens_rk45)
DS_ENS_CORES(ds_ens_dop853)
DS_ENS_CORES(ds_ens_rodas5p)
#undef DS_ENS_CORES

#endif
