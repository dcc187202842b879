#include <benchmark/benchmark.h>

#include <Kokkos_Core.hpp>
#include <string>

// main() of every benchmark: Kokkos around it, versions in the report.

int main(int argc, char** argv) {
  Kokkos::initialize(argc, argv);
  benchmark::AddCustomContext("execution_space", Kokkos::DefaultExecutionSpace::name());
  benchmark::AddCustomContext("kokkos_version", std::to_string(KOKKOS_VERSION));
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  Kokkos::finalize();
  return 0;
}
