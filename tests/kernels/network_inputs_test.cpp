#include "kernels/initializers/network_inputs.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

Rows inputs_of(const Rows& weights, const std::vector<int>& measures,
               const std::vector<std::vector<int>>& blocks) {
  std::vector<int> points, begin = {0};
  for (const auto& block : blocks) {
    points.insert(points.end(), block.begin(), block.end());
    begin.push_back(static_cast<int>(points.size()));
  }
  const Matrix<float, Space> inputs("otfleet::test::inputs", measures.size(), blocks.size());
  network_inputs<Space>(Space(), on_device(weights, static_cast<int>(weights[0].size())),
                        on_device(measures), {on_device(points), on_device(begin)}, inputs);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), inputs);
  Rows result(measures.size(), std::vector<double>(blocks.size()));
  for (std::size_t r = 0; r < measures.size(); ++r)
    for (std::size_t c = 0; c < blocks.size(); ++c) result[r][c] = host(r, c);
  return result;
}

TEST(NetworkInputs, are_sums_over_blocks_with_a_mean_of_a_quarter) {
  const Rows weights = {{1, 0, 2, 3, 0}, {1e-200, 2e-200, 0, 0, 1e-200}, {1e200, 0, 0, 0, 3e200}};
  const auto found = inputs_of(weights, {2, 0, 1, 0}, {{4, 0}, {1}, {2, 3}});
  const Rows expected = {
      {0.75, 0, 0}, {0.75 / 6, 0, 0.75 * 5 / 6}, {0.375, 0.375, 0}, {0.75 / 6, 0, 0.75 * 5 / 6}};
  for (std::size_t r = 0; r < expected.size(); ++r)
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(found[r][c], expected[r][c], 1e-7) << r;
}

TEST(NetworkInputs, keep_every_point_where_a_block_is_one) {
  Random random(5);
  const int n = 37;
  const Rows weights = {random.uniform_row(n, 0, 1)};
  std::vector<std::vector<int>> blocks;
  for (int i = 0; i < n; ++i) blocks.push_back({i});
  const double mass = std::accumulate(weights[0].begin(), weights[0].end(), 0.0);
  const auto found = inputs_of(weights, {0}, blocks);
  for (int i = 0; i < n; ++i) EXPECT_NEAR(found[0][i], weights[0][i] / mass * n / 4, 1e-6);
  EXPECT_TRUE(inputs_of(weights, {}, blocks).empty());
}

}  // namespace
}  // namespace otfleet::kernels
