#include "kernels/problems/sort_order.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/counter_random.hpp"
#include "tests/kernels/test_space.hpp"

namespace otfleet::kernels {
namespace {

std::vector<int> on_host(const Vector<int, Space>& values) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return std::vector<int>(host.data(), host.data() + host.extent(0));
}

/// Few different keys, so that many are equal, and any.
TEST(SortOrder, ranks_are_the_order_of_a_stable_sort) {
  const CounterRandom random(1, 1);
  std::uint64_t counter = 0;
  for (const std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{5}, ~std::uint64_t{0}})
    for (const int count : {0, 1, 2, 100, 1000}) {
      const Vector<std::uint64_t, Space> keys("otfleet::test::keys", count);
      const auto host = Kokkos::create_mirror_view(keys);
      for (int k = 0; k < count; ++k) host(k) = random.below(bound, counter++);
      Kokkos::deep_copy(keys, host);
      const Vector<int, Space> ranked("otfleet::test::ranked", count),
          sorted("otfleet::test::sorted", count), chosen("otfleet::test::chosen", count);
      order_by_rank<Space>(Space(), keys, ranked);
      order_on_host<Space>(keys, sorted);
      sort_order<Space>(Space(), keys, chosen);
      const auto expected = on_host(sorted);
      EXPECT_EQ(on_host(ranked), expected) << bound << " " << count;
      EXPECT_EQ(on_host(chosen), expected) << bound << " " << count;
      for (int k = 1; k < count; ++k) {
        const auto before = host(expected[k - 1]), here = host(expected[k]);
        EXPECT_TRUE(before < here || (before == here && expected[k - 1] < expected[k]));
      }
    }
}

}  // namespace
}  // namespace otfleet::kernels
