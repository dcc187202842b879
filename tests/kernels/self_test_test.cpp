#include "kernels/self_test.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <stdexcept>

#include "kernels/runtime.hpp"

namespace otfleet::kernels {
namespace {

TEST(SelfTest, finds_nothing_where_kernels_compute_what_the_host_does) {
  EXPECT_EQ(self_test_fault(), "");
  const auto checks = self_checks();
  EXPECT_EQ(checks.size(), 6u);
  std::set<std::string> names;
  for (const auto& check : checks) {
    names.insert(check.name);
    EXPECT_FALSE(check.host.empty()) << check.name;
  }
  EXPECT_EQ(names.size(), checks.size());
}

// One wrong number, wherever it is, is found, named, and comes with what to do.
TEST(SelfTest, finds_every_number_that_is_wrong) {
  for (const auto& good : self_checks()) {
    for (const std::size_t at : {std::size_t{0}, good.device.size() - 1}) {
      for (const double wrong :
           {good.device[at] + 1, good.device[at] * (1 + 1e-6) + 1e-300,
            std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        if (wrong == good.device[at]) continue;
        auto check = good;
        check.device[at] = wrong;
        const auto fault = self_check_fault(check);
        EXPECT_NE(fault.find(check.name), std::string::npos) << check.name << ' ' << wrong;
        EXPECT_NE(fault.find("number " + std::to_string(at + 1) + " of "), std::string::npos);
        EXPECT_NE(fault.find(check.advice), std::string::npos);
        EXPECT_EQ(fault.find('\n'), std::string::npos);
      }
    }
  }
}

TEST(SelfTest, finds_numbers_that_are_missing) {
  auto check = self_checks().front();
  check.device.pop_back();
  EXPECT_NE(self_check_fault(check).find("the host has 9 numbers, the device 8"),
            std::string::npos);
}

// As with nvcc 13 and the Views of Kokkos 4.6: 40 bytes on the host, 32 on the device.
TEST(SelfTest, says_how_to_build_kokkos_where_views_differ) {
  auto check = self_checks().front();
  check.host[0] = 40;
  check.device[0] = 32;
  const auto fault = self_check_fault(check);
  EXPECT_EQ(fault.find("self-test: sizes and offsets of Views in a kernel, in bytes: number 1 of 9 "
                       "is 40 on the host and 32 on the device; "),
            0u)
      << fault;
  EXPECT_NE(fault.find("-DKokkos_ENABLE_IMPL_VIEW_LEGACY=ON"), std::string::npos);
}

TEST(ChooseDevice, takes_the_rank_s_own_or_the_only_one) {
  EXPECT_EQ(choose_device(4, 0), 0);
  EXPECT_EQ(choose_device(4, 3), 3);
  EXPECT_EQ(choose_device(1, 0), 0);
  EXPECT_EQ(choose_device(1, 7), 0);
}

TEST(ChooseDevice, refuses_a_rank_without_one) {
  const auto message = [](int visible, int rank) -> std::string {
    try {
      choose_device(visible, rank);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_EQ(message(0, 0).find("no CUDA device: "), 0u);
  EXPECT_EQ(message(2, 2).find("no CUDA device for rank 2 of this machine, which has 2 GPUs: "),
            0u);
}

TEST(Device, is_known_where_there_is_a_gpu) {
  EXPECT_EQ(device_number() >= 0, runs_on_gpu());
  EXPECT_EQ(device_name().empty(), !runs_on_gpu());
  EXPECT_EQ(device_identity().size(), runs_on_gpu() ? 16u : 0u);
}

}  // namespace
}  // namespace otfleet::kernels
