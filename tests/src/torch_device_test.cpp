#include "src/models/torch_device.hpp"

#include <gtest/gtest.h>

namespace otfleet {
namespace {

TEST(TorchDevice, fits_where_both_see_the_same_gpus_or_kernels_run_on_the_host) {
  EXPECT_EQ(torch_device_fault(0, -1, 0), "");
  EXPECT_EQ(torch_device_fault(3, -1, 0), "");
  EXPECT_EQ(torch_device_fault(1, 0, 1), "");
  EXPECT_EQ(torch_device_fault(4, 3, 4), "");
}

TEST(TorchDevice, names_a_mismatch) {
  EXPECT_EQ(
      torch_device_fault(0, 0, 1).find("LibTorch sees no GPU, and kernels run on number 0 of 1: "),
      0u);
  EXPECT_EQ(
      torch_device_fault(1, 2, 4).find("LibTorch sees one GPU, and kernels run on number 2 of 4: "),
      0u);
}

}  // namespace
}  // namespace otfleet
