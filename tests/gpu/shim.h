/* shim.h - CUDA's kernels as functions of a CPU: g++ -include shim.h. Threads of a grid run one
 * after the other. */
#include <cmath>
#include <cstring>
#define __CUDACC__ 1
#define __global__
#define __device__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
struct Place {
    unsigned x;
};
static thread_local Place threadIdx, blockIdx, blockDim, gridDim;
static inline long long __double_as_longlong(double x) {
    long long bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline double __longlong_as_double(long long bits) {
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}
using std::signbit;

/* What stands for a launch, at the end of the text. */
#define SHIM_LAUNCH(kernel)                                                                \
    extern "C" void launch_##kernel(const ds_arguments *a, unsigned grid, unsigned block) { \
        gridDim.x = grid;                                                                  \
        blockDim.x = block;                                                                \
        for (blockIdx.x = 0; blockIdx.x < grid; ++blockIdx.x)                              \
            for (threadIdx.x = 0; threadIdx.x < block; ++threadIdx.x) kernel(*a);          \
    }                                                                                      \
    extern "C" unsigned long size_of_arguments_##kernel() { return sizeof(ds_arguments); }
