/* Model and features of the processor: for the key under which machine code is kept, and for the
 * choice of vectors. */
#include "cpu.h"

#if defined(__x86_64__) || defined(_M_X64)

#ifdef _MSC_VER
#include <immintrin.h>
#include <intrin.h>

static void leaf(unsigned number, unsigned sub, unsigned r[4])
{
    __cpuidex((int *)r, (int)number, (int)sub);
}

static unsigned long long enabled(void)
{
    return _xgetbv(0);
}
#else
#include <cpuid.h>

static void leaf(unsigned number, unsigned sub, unsigned r[4])
{
    r[0] = r[1] = r[2] = r[3] = 0;
    __get_cpuid_count(number, sub, r, r + 1, r + 2, r + 3);
}

static unsigned long long enabled(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}
#endif

#define XSAVE_ENABLED (1u << 27) /* of leaf 1, ecx: the system uses xsave, so xgetbv may be asked */

int ds_cpu(unsigned long long *words, int most)
{
    unsigned one[4], seven[4], extended[4];
    if (most < 5)
        return 0;
    leaf(1, 0, one);
    leaf(7, 0, seven);
    leaf(0x80000001u, 0, extended);
    words[0] = one[0]; /* family, model, stepping; ebx tells the core and is left out */
    words[1] = (unsigned long long)one[3] << 32 | one[2];
    words[2] = (unsigned long long)seven[2] << 32 | seven[1];
    words[3] = (unsigned long long)extended[3] << 32 | extended[2];
    words[4] = one[2] & XSAVE_ENABLED ? enabled() : 0;
    return 5;
}

/* Of leaf 7, ebx, and of the state that the system keeps. */
#define AVX2 (1u << 5)
#define AVX512 (1u << 16 | 1u << 17 | 1u << 31) /* F, DQ, VL */
#define YMM 0x06u
#define ZMM 0xe6u

int ds_cpu_lanes(void)
{
    unsigned long long words[5];
    ds_cpu(words, 5);
    const unsigned features = (unsigned)words[2], kept = (unsigned)words[4];
    if ((features & AVX512) == AVX512 && (kept & ZMM) == ZMM)
        return 8;
    return features & AVX2 && (kept & YMM) == YMM ? 4 : 2;
}

#elif defined(__linux__) && defined(__aarch64__)

#include <sys/auxv.h>

int ds_cpu(unsigned long long *words, int most)
{
    if (most < 2)
        return 0;
    words[0] = getauxval(AT_HWCAP);
    words[1] = getauxval(AT_HWCAP2);
    return 2;
}

int ds_cpu_lanes(void)
{
    return 2;
}

#else

int ds_cpu(unsigned long long *words, int most)
{
    (void)words;
    (void)most;
    return 0;
}

int ds_cpu_lanes(void)
{
#ifdef __aarch64__
    return 2; /* NEON */
#else
    return 1;
#endif
}

#endif
