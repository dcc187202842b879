#include "kernels/initializers/learned.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

TEST(LearnedInitializer, adds_epsilon_times_the_logarithm_of_the_weight) {
  const double inf = std::numeric_limits<double>::infinity(), epsilon = 0.03;
  Random random(71);
  // Sizes around the width of a pack, and weights from one end of double to the other.
  for (const int n : {1, 7, 8, 9, 31, 784}) {
    Rows weights(3);
    for (auto& row : weights) {
      row = random.uniform_row(n, 0, 1);
      for (int i = 0; i < n; i += 3) row[i] = 0;
    }
    weights[0][n - 1] = 1e-300;
    weights[1][n - 1] = 1e300;
    weights[2][n - 1] = 5e-324;  // counts as the smallest normal number
    const std::vector<int> source = {2, 0, 1, 0};
    const Vector<int, Space> index("otfleet::test::index", source.size());
    const auto host_index = Kokkos::create_mirror_view(index);
    const Matrix<float, Space> phi("otfleet::test::phi", source.size(), n);
    const auto host_phi = Kokkos::create_mirror_view(phi);
    for (std::size_t k = 0; k < source.size(); ++k) {
      host_index(k) = source[k];
      for (int i = 0; i < n; ++i) host_phi(k, i) = static_cast<float>(random.uniform(-1, 1));
    }
    Kokkos::deep_copy(index, host_index);
    Kokkos::deep_copy(phi, host_phi);
    const Matrix<double, Space> f("otfleet::test::f", source.size(), n);
    // The rows of the measures 2, 0, 1, in this order.
    const Matrix<double, Space> log_weights("otfleet::test::log_weights", 3, n);
    const Vector<int, Space> row("otfleet::test::row", source.size());
    const auto host_row = Kokkos::create_mirror_view(row);
    for (std::size_t k = 0; k < source.size(); ++k) host_row(k) = static_cast<int>(k) % 3;
    host_row(3) = 1;
    Kokkos::deep_copy(row, host_row);
    log_weight_rows<Space>(Space(), on_device(weights, n),
                           Kokkos::subview(index, std::pair<int, int>(0, 3)), epsilon, log_weights);
    learned_initializer<Space>(Space(), phi, log_weights, row, f);
    const Rows found = on_host(Matrix<const double, Space>(f));
    for (std::size_t k = 0; k < source.size(); ++k)
      for (int i = 0; i < n; ++i) {
        const double weight = weights[source[k]][i];
        if (weight == 0)
          EXPECT_EQ(found[k][i], -inf);
        else
          EXPECT_NEAR(found[k][i], host_phi(k, i) + epsilon * std::log(std::max(weight, 0x1p-1022)),
                      1e-14);
      }
  }
}

}  // namespace
}  // namespace otfleet::kernels
