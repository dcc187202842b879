#include "src/blas_environment.hpp"

#include <unistd.h>

#include <cstdlib>

namespace otfleet {
namespace {

// Stands in the environment of the second run, which must not begin a third.
constexpr const char* guard = "OTFLEET_BLAS_ENVIRONMENT";

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
  if (std::getenv(guard) != nullptr) return;
  bool changed = false;
  // OpenBLAS up to 0.3.21 takes AMD's processors with AVX-512 for older ones and leaves half of
  // their arithmetic idle; its SkylakeX kernels run on every processor with these instructions.
  if (has_avx512()) changed |= set_if_absent("OPENBLAS_CORETYPE", "SkylakeX");
  // Ranks are the parallelism; threads of BLAS below them would fight over the same cores.
  changed |= set_if_absent("OPENBLAS_NUM_THREADS", "1");
  changed |= set_if_absent("OMP_NUM_THREADS", "1");
  if (!changed) return;
  setenv(guard, "done", 1);
  execv("/proc/self/exe", arguments);
}

}  // namespace otfleet
