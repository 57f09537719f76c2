/* ens.c - workers of ensembles: made, run in slices, freed. */
#include "ens_core.h"
#include "cpu.h"
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 }; /* of a row of 8 lanes */

#if DS_ENS_WIDEST == 8
#define DS_WIDE(core) &core
#else
#define DS_WIDE(core) NULL
#endif
#if DS_ENS_WIDEST >= 2
#define DS_PAIR(core) &core
#else
#define DS_PAIR(core) NULL
#endif
#define DS_CORES(method) \
    {&method##_1, DS_PAIR(method##_2), DS_WIDE(method##_4), DS_WIDE(method##_8)}

/* NULL: there is none. */
static const ds_ens_core *core_of(const ds_ens *ens) {
    static const ds_ens_core *const cores[][4] = {
        [DS_RK23] = DS_CORES(ds_ens_rk23),
        [DS_RK45] = DS_CORES(ds_ens_rk45),
        [DS_DOP853] = DS_CORES(ds_ens_dop853),
        [DS_RODAS5P] = DS_CORES(ds_ens_rodas5p),
    };
    if (ens->method < 0 || ens->method >= (int)(sizeof cores / sizeof *cores)) return NULL;
    if (ens->lanes > ds_ens_lanes()) return NULL;
    if (ens->method == DS_RODAS5P && (!ens->jac.kernel || ens->n > DS_ENS_STIFF_MAX)) return NULL;
    for (int i = 0; i < 4; ++i)
        if (ens->lanes == 1 << i) return cores[ens->method][i];
    return NULL;
}

int ds_ens_lanes(void) {
    const int most = ds_cpu_lanes();
    return most < DS_ENS_WIDEST ? most : DS_ENS_WIDEST;
}

static size_t whole_rows(size_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

/* The range, its lists, and the lanes' state at a multiple of ALIGNMENT. */
ds_ens_worker *ds_ens_new(const ds_ens *ens, int64_t first, int64_t last) {
    const ds_ens_core *core = core_of(ens);
    const int64_t most = INT64_MAX / 4096;
    if (!core || ens->n < 1 || ens->n > most || ens->m > most || ens->n_events > most) return NULL;
    const size_t lists = (size_t)ens->n_events * (sizeof(double) + sizeof(int64_t));
    const size_t head = whole_rows(sizeof(ds_ens_range) + lists);
    const size_t bytes = head + core->size(ens) + ALIGNMENT;
    ds_ens_range *range = malloc(bytes);
    if (!range) return NULL;
    memset(range, 0, bytes);
    const uintptr_t lanes = (uintptr_t)whole_rows((uintptr_t)range + head);
    range->public = (ds_ens_worker){.ens = ens, .next = first, .last = last};
    range->roots = (double *)(range + 1);
    range->happened = (int64_t *)(range->roots + ens->n_events);
    range->lanes = (void *)lanes;
    core->begin(range);
    return &range->public;
}

void ds_ens_free(ds_ens_worker *worker) { free(worker); }

int ds_ens_run(ds_ens_worker *worker, double seconds) {
    ds_ens_range *range = (ds_ens_range *)worker;
    ds_slice_begin(&range->slice, seconds);
    return core_of(worker->ens)->run(range);
}
