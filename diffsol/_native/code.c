/* Executable copies of images. They are position-independent and patched by the caller (see
 * `_compile/image.py`): nothing is written once the memory is executable. */
#include <stddef.h>
#include <string.h>

#include "code.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <sys/mman.h>
#endif
#if defined(__APPLE__) && defined(__aarch64__)
#include <libkern/OSCacheControl.h>
#include <pthread.h>
#endif

#ifdef _WIN32

void *ds_code_new(const void *image, size_t size)
{
    DWORD before;
    void *memory = VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (memory == NULL)
        return NULL;
    memcpy(memory, image, size);
    if (!VirtualProtect(memory, size, PAGE_EXECUTE_READ, &before)) {
        VirtualFree(memory, 0, MEM_RELEASE);
        return NULL;
    }
    FlushInstructionCache(GetCurrentProcess(), memory, size);
    return memory;
}

void ds_code_free(void *memory, size_t size)
{
    (void)size;
    VirtualFree(memory, 0, MEM_RELEASE);
}

#elif defined(__APPLE__) && defined(__aarch64__)

void *ds_code_new(const void *image, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANON | MAP_JIT, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    pthread_jit_write_protect_np(0);
    memcpy(memory, image, size);
    pthread_jit_write_protect_np(1);
    sys_icache_invalidate(memory, size);
    return memory;
}

void ds_code_free(void *memory, size_t size)
{
    munmap(memory, size);
}

#else

void *ds_code_new(const void *image, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    memcpy(memory, image, size);
    if (mprotect(memory, size, PROT_READ | PROT_EXEC)) {
        munmap(memory, size);
        return NULL;
    }
    __builtin___clear_cache((char *)memory, (char *)memory + size);
    return memory;
}

void ds_code_free(void *memory, size_t size)
{
    munmap(memory, size);
}

#endif
