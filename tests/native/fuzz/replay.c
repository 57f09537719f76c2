/* replay.c - the fuzzer's entry without a fuzzer: the inputs in the files that are named, then COUNT
 * pseudo-random ones. replay COUNT [FILE...] */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LONGEST = 512, SECONDS_EACH = 10 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint8_t bytes[LONGEST];
static size_t length;
static unsigned long number; /* of the input at hand; files are 0 */

static void take_too_long(int signal) {
    (void)signal;
    static const char text[] = "replay: an input takes more than its time; it is in ./slow-input\n";
    FILE *file = fopen("slow-input", "wb");
    if (file) fwrite(bytes, 1, length, file), fclose(file);
    if (write(2, text, sizeof text - 1)) abort();
}

static void replay(void) {
    alarm(SECONDS_EACH);
    LLVMFuzzerTestOneInput(bytes, length);
    alarm(0);
}

/* Marsaglia's xorshift64 ("Xorshift RNGs", J. Stat. Softw. 8(14), 2003). */
static uint64_t next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

int main(int argc, char **argv) {
    signal(SIGALRM, take_too_long);
    for (int i = 2; i < argc; ++i) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) return perror(argv[i]), 1;
        length = fread(bytes, 1, LONGEST, file);
        fclose(file);
        replay();
    }
    const unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    for (number = 1; number <= count; ++number) {
        uint64_t state = 0x9e3779b97f4a7c15u * number;
        length = next(&state) % (LONGEST + 1);
        for (size_t k = 0; k < length; ++k) bytes[k] = (uint8_t)(next(&state) >> 32);
        replay();
    }
    printf("replayed: %d files, %lu random inputs\n", argc > 2 ? argc - 2 : 0, count);
    return 0;
}
