#include "kernels/initializers/output_grid.hpp"

#include <gtest/gtest.h>

#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

template <class T>
Vector<T, Space> vector_of(const std::vector<T>& values) {
  const Vector<T, Space> device("otfleet::test::vector", values.size());
  const auto host = Kokkos::create_mirror_view(device);
  for (std::size_t i = 0; i < values.size(); ++i) host(i) = values[i];
  Kokkos::deep_copy(device, host);
  return device;
}

/// An affine function of the point is given at the coarse points, and comes out at all.
void check(const std::array<int, 3>& coarse, const std::array<int, 3>& fine) {
  OutputGrid<Space> grid;
  std::vector<int> below, above;
  std::vector<float> share;
  std::vector<std::vector<double>> places;  // of the coarse points, in units of fine ones
  for (int axis = 0; axis < 3; ++axis) {
    const auto count = static_cast<std::size_t>(coarse[axis]);
    grid.coarse[axis] = coarse[axis];
    grid.fine[axis] = fine[axis];
    std::vector<double> place(count);
    for (std::size_t c = 0; c < count; ++c)
      place[c] = 0.5 + static_cast<double>(c) * fine[axis] / coarse[axis];
    for (int i = 0; i < fine[axis]; ++i) {
      int low = 0;
      while (low + 2 < coarse[axis] && i > place[static_cast<std::size_t>(low) + 1]) ++low;
      const int high = std::min(low + 1, coarse[axis] - 1);
      below.push_back(low);
      above.push_back(high);
      const double gap =
          place[static_cast<std::size_t>(high)] - place[static_cast<std::size_t>(low)];
      share.push_back(gap > 0 ? static_cast<float>((i - place[static_cast<std::size_t>(low)]) / gap)
                              : 0.0F);
    }
    places.push_back(place);
  }
  grid.below = vector_of(below);
  grid.above = vector_of(above);
  grid.share = vector_of(share);

  constexpr int batch = 3;
  const auto affine = [&](int k, double i, double j, double l) {
    return k + (coarse[0] > 1 ? 0.5 * i : 0.0) - (coarse[1] > 1 ? 0.25 * (k + 1) * j : 0.0) +
           (coarse[2] > 1 ? 2 * l : 0.0);
  };
  const int inputs = coarse[0] * coarse[1] * coarse[2], points = fine[0] * fine[1] * fine[2];
  const Matrix<float, Space> output("otfleet::test::output", batch, inputs);
  const auto host_output = Kokkos::create_mirror_view(output);
  for (int k = 0; k < batch; ++k)
    for (int at = 0; at < inputs; ++at)
      host_output(k, at) = static_cast<float>(
          affine(k, places[0][static_cast<std::size_t>(at / coarse[2] / coarse[1])],
                 places[1][static_cast<std::size_t>(at / coarse[2] % coarse[1])],
                 places[2][static_cast<std::size_t>(at % coarse[2])]));
  Kokkos::deep_copy(output, host_output);
  const Matrix<float, Space> phi("otfleet::test::phi", batch, points);
  interpolate_output<Space>(Space(), grid, output, phi);
  const auto found = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), phi);
  for (int k = 0; k < batch; ++k)
    for (int at = 0; at < points; ++at) {
      const int row = at / fine[2], i = row / fine[1], j = row % fine[1], l = at % fine[2];
      EXPECT_NEAR(found(k, at), affine(k, i, j, l), 1e-4) << k << " " << at;
    }
}

TEST(InterpolateOutput, an_affine_function_comes_out_at_every_point) {
  check({1, 1, 4}, {1, 1, 16});
  check({1, 3, 4}, {1, 9, 8});
  check({1, 14, 7}, {1, 28, 28});
  check({2, 3, 4}, {6, 6, 12});
  check({1, 1, 1}, {1, 3, 5});  // a constant
}

TEST(InterpolateOutput, many_rows_need_more_than_fast_memory) {
  check({1, 90, 90}, {1, 180, 180});
}

TEST(InterpolateOutput, sizes_that_do_not_fit) {
  OutputGrid<Space> grid;
  grid.coarse[2] = 2;
  grid.fine[2] = 4;
  const Matrix<float, Space> three("otfleet::test::output", 1, 3), four("otfleet::test::phi", 1, 4);
  EXPECT_THROW(interpolate_output<Space>(Space(), grid, three, four), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels
