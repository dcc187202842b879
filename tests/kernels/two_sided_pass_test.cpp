#include "kernels/operators/in_passes/run_two_sided_pass.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/operators/in_passes/cloud_problems.hpp"
#include "tests/kernels/cloud_batch.hpp"

// Sums of both sides from one pass beside nested loops over the same points.

namespace otfleet::kernels {
namespace {

using namespace test;

/// Costs between moved points are as they were, but for rounding.
template <class Scalar>
constexpr double rounding = sizeof(Scalar) == sizeof(float) ? 2e-4 : 1e-11;

/// Vectors with `padding` beyond the values.
template <class Scalar>
Vector<Scalar, Space> padded(const Row& values, int length, Scalar padding) {
  const Vector<Scalar, Space> result("otfleet::test::values", length);
  const auto host = Kokkos::create_mirror_view(result);
  for (int i = 0; i < length; ++i)
    host(i) = i < static_cast<int>(values.size()) ? static_cast<Scalar>(values[i]) : padding;
  Kokkos::deep_copy(result, host);
  return result;
}

template <class Scalar>
void expect_sums(Random& random, const GroundCost& kind, int n, int m, int dimension, bool keeps) {
  auto clouds = random_clouds(random, kind, n, m, dimension);
  clouds.add(Row(n, 1.0 / n), Row(m, 1.0 / m));
  constexpr double epsilon = 0.3;
  const double scale = 1 / (epsilon * std::log(2.0));
  const auto cost = on_device(clouds);
  const auto problems = problems_on_device(clouds);
  const auto batch = make_cloud_problems(cost, problems, epsilon);
  const Row offset = random.uniform_row(m, -3, 3), factor = random.uniform_row(n, 0, 2);
  Row shift = random.uniform_row(n, -3, 3);
  Row rows(n, 0.0), columns(m, 0.0);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < m; ++j) {
      const double term =
          std::exp2(offset[j] - scale * ground_cost(clouds, clouds.x[i], clouds.y[j]) - shift[i]);
      rows[i] += term;
      columns[j] += factor[i] * term;
    }
  for_each_cloud_problem<Scalar>(Space(), batch, 1.0, [&](const auto& problem) {
    const auto &x = problem.source.points, &y = problem.target.points;
    const TwoSidedWorkspace<Space, Scalar> workspace(Space(), *problem.arena, y);
    const auto form = form_of_cost(batch);
    PairTerms<Space, Scalar> terms;
    terms.make_room(form, x, y, keeps ? std::size_t{1} << 30 : 0);
    const Vector<double, Space> sums("otfleet::test::sums", m);
    Row found(n, 0.0);
    const RowFactors<Scalar> factors_of = [&](int, int first, int count, const Scalar* row_sums,
                                              Scalar* factors) {
      for (int r = 0; r < count; ++r) {
        found[first + r] = static_cast<double>(row_sums[r]);
        factors[r] = static_cast<Scalar>(factor[first + r]);
      }
    };
    for (int pass = 0; pass < 2; ++pass) {  // the second one reads what the first one kept
      std::fill(found.begin(), found.end(), -1.0);
      run_two_sided_pass<Space, Scalar>(
          Space(), form, x, y,
          padded<Scalar>(offset, y.padded(), -std::numeric_limits<Scalar>::infinity()),
          padded<Scalar>(shift, x.padded(), 0), scale, workspace, factors_of, sums, &terms);
      EXPECT_EQ(terms.filled, static_cast<bool>(terms));
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), sums);
      for (int i = 0; i < n; ++i)
        EXPECT_NEAR(found[i], rows[i], rounding<Scalar> * rows[i]) << i << " " << pass;
      for (int j = 0; j < m; ++j)
        EXPECT_NEAR(host(j), columns[j], rounding<Scalar> * columns[j]) << j << " " << pass;
    }
  });
}

TEST(TwoSidedPass, sums_are_those_of_nested_loops) {
  if (!Backend<Space>::takes_two_sided_passes) GTEST_SKIP() << "not on this space";
  Random random(311);
  for (const GroundCost& kind : tested_costs)
    for (const int dimension : {3, 9})
      for (const auto& [n, m] : {std::pair{1, 1}, {47, 131}, {49, 600}, {200, 3}})
        for (const bool keeps : {false, true}) {
          if (is<GreatCircleCost>(kind) && dimension > 3) continue;
          SCOPED_TRACE(name(kind) + " " + std::to_string(dimension) + " " + std::to_string(n));
          expect_sums<double>(random, kind, n, m, dimension, keeps);
          expect_sums<float>(random, kind, n, m, dimension, keeps);
        }
}

/// Points of all problems are laid out once: what pairs add is then kept for the next problem.
/// Where memory does not suffice, nothing is.
TEST(TwoSidedPass, iterations_do_not_depend_on_what_is_kept) {
  Random random(312);
  for (const GroundCost& kind : tested_costs) {
    SCOPED_TRACE(name(kind));
    auto clouds = random_clouds(random, kind, 150, 170, 3);
    add_random_problems(random, clouds, 3);
    for (const auto acceleration : {Acceleration::none, Acceleration::momentum}) {
      auto settings = settings_for(0.1, 1e-8, 300);
      settings.acceleration = acceleration;
      const auto kept = solve<double>(clouds, settings);
      settings.kept_bytes = 0;
      const auto computed = solve<double>(clouds, settings);
      for (int k = 0; k < clouds.size(); ++k) {
        EXPECT_NEAR(kept.iterations[k], computed.iterations[k], 1);
        EXPECT_LT(distance_up_to_constant(kept.f[k], computed.f[k]), 1e-7);
      }
    }
  }
}

/// A weight that is too small for a factor of floats takes the iteration of two passes.
TEST(TwoSidedPass, tiny_weights_are_fitted_as_well) {
  Random random(313);
  const GroundCost kind = SquaredEuclideanCost();
  auto clouds = random_clouds(random, kind, 140, 150, 3);
  add_random_problems(random, clouds, 2);
  clouds.targets[1][7] = 1e-30;
  const auto settings = settings_for(0.2, 1e-5, 500);
  const auto found = solve<float>(clouds, settings);
  const auto expected = solve<double>(clouds, settings);
  for (int k = 0; k < clouds.size(); ++k)
    EXPECT_LT(distance_up_to_constant(found.f[k], expected.f[k]), 1e-4) << k;
}

}  // namespace
}  // namespace otfleet::kernels
