/* entry.c - what libFuzzer calls: the first byte chooses the solver. */
#include "user.h"

/* The core's default callback needs an interpreter; here every solver is given its own. */
int ds_call_python(void *handle, int which, int flags, double t, double *y, double *out) {
    (void)handle, (void)which, (void)flags, (void)t, (void)y, (void)out;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static void (*const targets[])(input *) = {fuzz_ivp, fuzz_odeint, fuzz_vode, fuzz_hairer};
    input in = {bytes, size};
    targets[take_choice(&in, 4)](&in);
    return 0;
}
