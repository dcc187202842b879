#include <gtest/gtest.h>

#include <Kokkos_Core.hpp>

#include "tests/kernels/traps.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  Kokkos::ScopeGuard kokkos(argc, argv);
  otfleet::kernels::test::set_traps(true);
  return RUN_ALL_TESTS();
}
