#include <benchmark/benchmark.h>

#include <Kokkos_Core.hpp>
#include <string>

#include "src/blas_environment.hpp"

// main() of every benchmark: BLAS as the program has it, on one core, Kokkos around it, versions in
// the report.

int main(int argc, char** argv) {
  otfleet::prepare_blas_environment(argv);
  Kokkos::initialize(argc, argv);
  benchmark::AddCustomContext("execution_space", Kokkos::DefaultExecutionSpace::name());
  benchmark::AddCustomContext("kokkos_version", std::to_string(KOKKOS_VERSION));
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  Kokkos::finalize();
  return 0;
}
