#include <gtest/gtest.h>

#include "kernels/runtime.hpp"
#include "tests/kernels/traps.hpp"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const otfleet::kernels::Runtime runtime(argc, argv);
  otfleet::kernels::test::set_traps(true);
  return RUN_ALL_TESTS();
}
