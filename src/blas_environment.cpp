#include "src/blas_environment.hpp"

#include <unistd.h>

#include <cstdlib>

// Of OpenBLAS and of the OpenMP runtime, which LibTorch brings along; null where it does not.
extern "C" {
__attribute__((weak)) void openblas_set_num_threads(int threads);
__attribute__((weak)) void omp_set_num_threads(int threads);
}

namespace otfleet {
namespace {

bool has_avx512() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

bool set_if_absent(const char* name, const char* value) {
  return std::getenv(name) == nullptr && setenv(name, value, 0) == 0;
}

}  // namespace

void prepare_blas_environment(char** arguments) {
  // OpenBLAS up to 0.3.21 takes AMD's processors with AVX-512 for older ones and leaves half of
  // their arithmetic idle; its SkylakeX kernels run on every processor with these instructions. It
  // reads this variable before main(); the second run finds it set and goes on.
  if (has_avx512() && set_if_absent("OPENBLAS_CORETYPE", "SkylakeX"))
    execv("/proc/self/exe", arguments);
  // Ranks are the parallelism; threads of BLAS below them would fight over the same cores. Both
  // libraries are loaded already; the variables are for what reads them later (LibTorch).
  if (set_if_absent("OPENBLAS_NUM_THREADS", "1") && openblas_set_num_threads != nullptr)
    openblas_set_num_threads(1);
  if (set_if_absent("OMP_NUM_THREADS", "1") && omp_set_num_threads != nullptr)
    omp_set_num_threads(1);
}

}  // namespace otfleet
