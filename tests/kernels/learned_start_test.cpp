#include "kernels/problems/learned_start.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "kernels/host_values.hpp"
#include "tests/kernels/host_batch.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

Matrix<float, Space> in_float(const Rows& rows) {
  const Matrix<float, Space> device("otfleet::test::output", rows.size(),
                                    rows.empty() ? 0 : rows[0].size());
  const auto host = Kokkos::create_mirror_view(device);
  for (std::size_t k = 0; k < rows.size(); ++k)
    for (std::size_t i = 0; i < rows[k].size(); ++i) host(k, i) = static_cast<float>(rows[k][i]);
  Kokkos::deep_copy(device, host);
  return device;
}

using Lengths = std::array<int, 3>;

/// Coarse points in the middle of blocks of equal length, and where they are in units of fine ones.
struct Grid {
  OutputGrid<Space> grid;
  Rows places;
  int outputs, points;
};
Grid make_grid(const Lengths& coarse, const Lengths& fine) {
  Grid made{{}, {}, coarse[0] * coarse[1] * coarse[2], fine[0] * fine[1] * fine[2]};
  std::vector<int> below, above;
  std::vector<float> share;
  for (int axis = 0; axis < 3; ++axis) {
    made.grid.coarse[axis] = coarse[axis];
    made.grid.fine[axis] = fine[axis];
    Row place(coarse[axis]);
    for (int c = 0; c < coarse[axis]; ++c)
      place[c] = 0.5 + static_cast<double>(c) * fine[axis] / coarse[axis];
    for (int i = 0; i < fine[axis]; ++i) {
      int low = 0;
      while (low + 2 < coarse[axis] && i > place[low + 1]) ++low;
      const int high = std::min(low + 1, coarse[axis] - 1);
      below.push_back(low);
      above.push_back(high);
      const double gap = place[high] - place[low];
      share.push_back(gap > 0 ? static_cast<float>((i - place[low]) / gap) : 0.0F);
    }
    made.places.push_back(place);
  }
  made.grid.below = copy_to_device<Space>("otfleet::test::vector", below);
  made.grid.above = copy_to_device<Space>("otfleet::test::vector", above);
  made.grid.share = copy_to_device<Space>("otfleet::test::vector", share);
  return made;
}

/// Points of so many equal steps on every axis of the unit cube.
SeparableCost grid_cost(const std::vector<int>& lengths) {
  Rows axes;
  for (const int length : lengths) {
    Row axis(length);
    for (int i = 0; i < length; ++i) axis[i] = static_cast<double>(i) / (length - 1);
    axes.push_back(axis);
  }
  return SeparableCost::squared_euclidean_grid(axes);
}

Rows potential(const HostBatch& batch, const LearnedStart<Space>& start, double epsilon) {
  const Matrix<double, Space> f("otfleet::test::f", batch.size(), batch.cost.n());
  learned_potential(Space(), start, on_device(batch), epsilon, f);
  return on_host(f);
}

/// As solve() from `start`, which f does not hold.
template <class Scalar>
Solution solve_learned(const HostBatch& batch, const SinkhornSettings& settings,
                       const LearnedStart<Space>& start, std::vector<int>* replaced = nullptr) {
  const Matrix<double, Space> f("otfleet::test::f", batch.size(), batch.cost.n());
  Kokkos::deep_copy(f, infinity);
  const Vector<int, Space> iterations("otfleet::test::iterations", batch.size());
  const Vector<int, Space> status("otfleet::test::status", batch.size());
  const Vector<int, Space> gave_up("otfleet::test::replaced", batch.size());
  sinkhorn<Scalar>(Space(), batch.cost, on_device(batch), settings, false, f, iterations, status,
                   {}, gave_up, start);
  Solution solution;
  solution.f = on_host(f);
  const auto counts = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), iterations);
  const auto given_up = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), gave_up);
  for (int k = 0; k < batch.size(); ++k) {
    solution.iterations.push_back(counts(k));
    if (replaced != nullptr) replaced->push_back(given_up(k));
  }
  return solution;
}

/// An affine function of the point is given at the coarse points, and comes out at all.
void check_affine(const Lengths& coarse, const Lengths& fine) {
  const Grid made = make_grid(coarse, fine);
  const auto affine = [&](int k, double i, double j, double l) {
    return k + (coarse[0] > 1 ? 0.5 * i : 0.0) - (coarse[1] > 1 ? 0.25 * (k + 1) * j : 0.0) +
           (coarse[2] > 1 ? 2 * l : 0.0);
  };
  // Of weight 1, whose logarithm is zero; no solver looks at the cost here.
  HostBatch batch{SeparableCost::dense(made.points, 1, Row(made.points, 0.0))};
  Rows output;
  for (int k = 0; k < 3; ++k) {
    batch.add(Row(made.points, 1.0), {1.0});
    Row row;
    for (int at = 0; at < made.outputs; ++at)
      row.push_back(affine(k, made.places[0][at / coarse[2] / coarse[1]],
                           made.places[1][at / coarse[2] % coarse[1]],
                           made.places[2][at % coarse[2]]));
    output.push_back(row);
  }
  ProblemBatch<Space> problems = on_device(batch);
  problems.source = Measures<Space>::of_shares(on_device(batch.sources, made.points), 1.0);
  const Matrix<double, Space> f("otfleet::test::f", batch.size(), made.points);
  learned_potential(Space(), {in_float(output), made.grid}, problems, 0.3, f);
  const Rows found = on_host(f);
  for (int k = 0; k < 3; ++k)
    for (int at = 0; at < made.points; ++at) {
      const int row = at / fine[2], i = row / fine[1], j = row % fine[1], l = at % fine[2];
      EXPECT_NEAR(found[k][at], affine(k, i, j, l), 1e-4) << k << " " << at;
    }
}

TEST(LearnedStart, an_affine_function_comes_out_at_every_point) {
  check_affine({1, 1, 4}, {1, 1, 16});
  check_affine({1, 3, 4}, {1, 9, 8});
  check_affine({1, 14, 7}, {1, 28, 28});
  check_affine({2, 3, 4}, {6, 6, 12});
  check_affine({1, 1, 1}, {1, 3, 5});  // a constant
}

TEST(LearnedStart, many_rows_need_more_than_fast_memory) {
  check_affine({1, 90, 90}, {1, 180, 180});
}

TEST(LearnedStart, epsilon_times_the_logarithm_of_the_weight_is_added) {
  const double epsilon = 0.03;
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
    HostBatch batch{SeparableCost::dense(n, 1, Row(n, 0.0))};
    batch.sources = weights;
    batch.targets = {{1.0}};
    batch.source_index = {2, 0, 1, 0};
    batch.target_index = {0, 0, 0, 0};
    ProblemBatch<Space> problems;
    problems.source = Measures<Space>::of_shares(on_device(weights, n), 5e-324);
    problems.target = Measures<Space>::of_shares(on_device(batch.targets, 1), 1.0);
    problems.source_index = on_device(batch.source_index);
    problems.target_index = on_device(batch.target_index);
    Rows phi;
    for (int k = 0; k < 4; ++k) phi.push_back(random.uniform_row(n, -1, 1));
    const Matrix<double, Space> f("otfleet::test::f", 4, n);
    learned_potential(Space(), {in_float(phi), {}}, problems, epsilon, f);
    const Rows found = on_host(f);
    for (int k = 0; k < 4; ++k)
      for (int i = 0; i < n; ++i) {
        const double weight = weights[batch.source_index[k]][i];
        if (weight == 0)
          EXPECT_EQ(found[k][i], -infinity);
        else
          EXPECT_NEAR(found[k][i],
                      static_cast<double>(static_cast<float>(phi[k][i])) +
                          epsilon * std::log(std::max(weight, 0x1p-1022)),
                      1e-14);
      }
  }
}

/// Sinkhorn's iteration goes the same way from what a network gives as from the potential that this
/// stands for.
template <class Scalar>
void expect_same(const HostBatch& batch, const SinkhornSettings& settings,
                 const LearnedStart<Space>& start) {
  const Rows f = potential(batch, start, settings.epsilon);
  const auto expected = solve<Scalar>(batch, settings, &f);
  const auto found = solve_learned<Scalar>(batch, settings, start);
  for (int k = 0; k < batch.size(); ++k) {
    EXPECT_EQ(found.iterations[k], expected.iterations[k]) << k;
    EXPECT_LE(distance_up_to_constant(found.f[k], expected.f[k]),
              (std::is_same_v<Scalar, float> ? 1e-4 : 1e-6) * settings.epsilon / 1e-2)
        << k;
  }
}

template <class Scalar>
void expect_same_everywhere(const HostBatch& batch, double epsilon,
                            const LearnedStart<Space>& start) {
  for (const auto path : {Path::automatic, Path::extended})
    for (const int iterations : {0, 1, 7}) {
      auto settings = settings_for(epsilon, 1e-300, iterations);
      settings.path = path;
      // Neither rounding nor an error of zero ends it sooner.
      settings.patience = settings.inner_iterations = iterations + 1;
      expect_same<Scalar>(batch, settings, start);
    }
}

TEST(LearnedStart, sinkhorn_begins_from_the_potential_that_it_stands_for) {
  Random random(72);
  for (const auto geometry : all_geometries) {
    const auto cost = random_cost(random, geometry);
    // Ragged supports, and more problems than a tile has lanes, so that lanes are loaded again.
    const auto batch = random_batch(random, cost, 37, 0.4);
    Rows phi;
    for (int k = 0; k < batch.size(); ++k) phi.push_back(random.uniform_row(cost.n(), -0.1, 0.1));
    const LearnedStart<Space> start{in_float(phi), {}};
    for (const double epsilon : {0.1, 1e-2}) {
      SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
      expect_same_everywhere<double>(batch, epsilon, start);
      expect_same_everywhere<float>(batch, epsilon, start);
    }
  }
}

TEST(LearnedStart, sinkhorn_begins_from_what_is_given_at_coarse_points) {
  Random random(73);
  std::vector<SeparableCost> costs = {grid_cost({12, 20}), grid_cost({48})};
  const Lengths coarse[] = {{1, 3, 5}, {1, 1, 6}}, fine[] = {{1, 12, 20}, {1, 1, 48}};
  for (std::size_t c = 0; c < costs.size(); ++c) {
    const Grid made = make_grid(coarse[c], fine[c]);
    auto batch = random_batch(random, costs[c], 41, 0.3);
    // Of some, only a corner has weight: less than the grid is interpolated.
    for (std::size_t k = 0; k < batch.sources.size(); k += 2)
      for (int i = 0; i < made.points; ++i)
        if (i % fine[c][2] > fine[c][2] / 2 || i > made.points * 2 / 3) batch.sources[k][i] = 0;
    Rows output;
    for (int k = 0; k < batch.size(); ++k)
      output.push_back(random.uniform_row(made.outputs, -0.2, 0.2));
    const LearnedStart<Space> start{in_float(output), made.grid};
    expect_same_everywhere<double>(batch, 0.02, start);
    expect_same_everywhere<float>(batch, 0.02, start);
    // The same points with a cost that knows of no axes.
    expect_same_everywhere<double>(as_dense(batch), 0.02, start);
  }
}

TEST(LearnedStart, one_that_is_worse_than_zeros_is_given_up_for_them) {
  Random random(74);
  const auto cost = random_cost(random, Geometry::plane);
  const auto batch = random_batch(random, cost, 20);
  auto settings = settings_for(0.05, 1e-6, 1000);
  settings.doubtful_error = 0.1;
  Rows phi;
  for (int k = 0; k < batch.size(); ++k)
    phi.push_back(k % 2 == 0 ? random.uniform_row(cost.n(), -30, 30) : Row(cost.n(), NAN));
  std::vector<int> replaced;
  const auto found = solve_learned<double>(batch, settings, {in_float(phi), {}}, &replaced);
  const auto expected = solve<double>(batch, settings);
  EXPECT_EQ(replaced, std::vector<int>(20, 1));
  EXPECT_EQ(found.iterations, expected.iterations);
}

TEST(LearnedStart, sizes_that_do_not_fit) {
  Random random(75);
  const auto batch = random_batch(random, grid_cost({4}), 1);
  const auto settings = settings_for(0.1, 1e-3, 10);
  Grid made = make_grid({1, 1, 2}, {1, 1, 4});
  const auto two = in_float({{1, 2}}), three = in_float({{1, 2, 3}});
  EXPECT_NO_THROW(solve_learned<double>(batch, settings, {two, made.grid}));
  EXPECT_THROW(solve_learned<double>(batch, settings, {three, made.grid}), std::invalid_argument);
  EXPECT_THROW(solve_learned<double>(batch, settings, {two, {}}), std::invalid_argument);
  EXPECT_THROW(potential(batch, {three, made.grid}, 0.1), std::invalid_argument);
  made.grid.fine[2] = 5;
  EXPECT_THROW(solve_learned<double>(batch, settings, {two, made.grid}), std::invalid_argument);
  made = make_grid({1, 1, 5}, {1, 1, 4});
  EXPECT_THROW(potential(batch, {in_float({{1, 2, 3, 4, 5}}), made.grid}, 0.1),
               std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels
