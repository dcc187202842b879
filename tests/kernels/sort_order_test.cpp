#include "kernels/problems/sort_order.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/counter_random.hpp"
#include "tests/kernels/device_values.hpp"

namespace otfleet::kernels {
namespace {

/// Few different keys, so that many are equal, and any.
TEST(SortOrder, ranks_are_the_order_of_a_stable_sort) {
  const CounterRandom random(1, 1);
  std::uint64_t counter = 0;
  for (const std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{5}, ~std::uint64_t{0}})
    for (const int count : {0, 1, 2, 100, 1000}) {
      std::vector<std::uint64_t> host;
      for (int k = 0; k < count; ++k) host.push_back(random.below(bound, counter++));
      const auto keys = test::to_device(host);
      const Vector<int, Space> ranked("otfleet::test::ranked", count),
          sorted("otfleet::test::sorted", count), chosen("otfleet::test::chosen", count);
      order_by_rank<Space>(Space(), keys, ranked);
      order_on_host<Space>(keys, sorted);
      sort_order<Space>(Space(), keys, chosen);
      const auto expected = test::to_host(sorted);
      EXPECT_EQ(test::to_host(ranked), expected) << bound << " " << count;
      EXPECT_EQ(test::to_host(chosen), expected) << bound << " " << count;
      for (int k = 1; k < count; ++k) {
        const auto before = host[expected[k - 1]], here = host[expected[k]];
        EXPECT_TRUE(before < here || (before == here && expected[k - 1] < expected[k]));
      }
    }
}

}  // namespace
}  // namespace otfleet::kernels
