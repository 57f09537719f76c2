/* ens_stages.h - all stages of a trial by one kernel, with the derivative inlined: what
 * DS_ERK(stages) does, with the same bits (see _compile/vector/stages.py). */
#define DS_ERK_STAGES_BY(p, s, y, y_new, K, call)                                            \
    ((call)->ens->stages.kernel                                                              \
         ? ds_ens_stages(call, (p)->n, (s)->rejected, &(s)->t, &(s)->h, &(s)->t_new, y, y_new, K) \
         : DS_ERK(stages)(p, s, y, y_new, K, call))

static inline int ds_ens_stages(ds_ens_call *call, ds_int n, M rejected, const V *t, const V *h,
                                const V *t_new, const V *y, V *y_new, V *K) {
    const ds_ens_stages_function *stages = &call->ens->stages;
    const V *last = K + DS_ERK_STAGE_COUNT * n;
    for (ds_int i = 0; i < n; ++i) K[i] = ds_sel(rejected, K[i], last[i]);
    call->trapped |= stages->kernel((const double *)t, (const double *)h, (const double *)t_new,
                                    (const double *)y, (double *)y_new, (double *)K,
                                    stages->params, (const double *)call->q);
    return 0;
}
