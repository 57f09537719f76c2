/* Model and features of the processor, for the key under which machine code is kept. */
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

#else

int ds_cpu(unsigned long long *words, int most)
{
    (void)words;
    (void)most;
    return 0;
}

#endif
