#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tests/kernels/unbalanced_reference.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

/// The central difference of value(clouds) when change(clouds, ±step) is done to it.
template <class Value, class Change>
double slope_of(const HostClouds& clouds, const Value& value, const Change& change) {
  constexpr double step = 3e-5;
  HostClouds up = clouds, down = clouds;
  change(up, step);
  change(down, -step);
  return (value(up) - value(down)) / (2 * step);
}

void normalize(Row& point) {
  const double norm = std::sqrt(std::inner_product(point.begin(), point.end(), point.begin(), 0.0));
  for (double& x : point) x /= norm;
}

/// Adds `step` to a coordinate of a point; along the sphere where the cost wants unit vectors.
void move(HostClouds& clouds, bool source, int i, int c, double step) {
  Row& point = (source ? clouds.x : clouds.y)[i];
  point[c] += step;
  if (is<GreatCircleCost>(clouds.cost)) normalize(point);
}

HostClouds small_clouds(Random& random, const GroundCost& kind) {
  auto clouds = random_clouds(random, kind, 5, 4, 2);
  add_random_problems(random, clouds, 1, 0.0);
  return clouds;
}

HostClouds small_clouds_of_masses(Random& random, const GroundCost& kind) {
  auto clouds = small_clouds(random, kind);
  for (double& w : clouds.targets[0]) w *= 1.6;
  clouds.sources[0][2] = 0;
  return clouds;
}

double dual_of(const HostClouds& clouds, const UnbalancedSettings& settings) {
  const auto found = solve_unbalanced(clouds, settings);
  EXPECT_EQ(found.status[0], Status::converged) << found.residual[0];
  return found.dual_value[0];
}

TEST(Gradient, positions_match_finite_differences_for_all_costs_and_penalties) {
  Random random(401);
  for (const GroundCost& kind : tested_costs)
    for (const auto& settings :
         {tight(0.2, 0.8, 0.6), tight(0.3, 1, 0.7), tight(0.3, 1, 1), tight_share(0.3, 0.6)}) {
      SCOPED_TRACE(name(kind) + " " + std::to_string(settings.tau_b));
      const HostClouds clouds = small_clouds_of_masses(random, kind);
      const auto found = position_gradients(clouds, settings);
      const auto value = [&](const HostClouds& moved) { return dual_of(moved, settings); };
      for (bool source : {true, false})
        for (int i = 0; i < (source ? 5 : 4); ++i)
          for (int c = 0; c < 2; ++c) {
            const double slope = slope_of(clouds, value, [&](HostClouds& moved, double step) {
              move(moved, source, i, c, step);
            });
            const double gradient = (source ? found.by_source : found.by_target)[0][2 * i + c];
            EXPECT_NEAR(gradient, slope, 2e-6) << source << " " << i << " " << c;
          }
    }
}

TEST(Gradient, weights_match_finite_differences) {
  Random random(402);
  for (const GroundCost& kind : std::vector<GroundCost>{SquaredEuclideanCost(), GreatCircleCost()})
    for (const auto& settings : {tight(0.2, 0.8, 0.6), tight(0.3, 1, 0.7), tight_share(0.3, 0.6)}) {
      SCOPED_TRACE(name(kind) + " " + std::to_string(settings.tau_b));
      const HostClouds clouds = small_clouds_of_masses(random, kind);
      const auto found = weight_gradients(clouds, settings);
      const auto on_matrix = weight_gradients(as_matrix(clouds), settings);
      const auto value = [&](const HostClouds& changed) { return dual_of(changed, settings); };
      // The asked mass is a share of the source's, the lighter one, and moves with it.
      const double by_share =
          settings.transported_share
              ? *settings.transported_share * solve_unbalanced(clouds, settings).mass_potential[0]
              : 0.0;
      for (bool source : {true, false})
        for (int i = 0; i < (source ? 5 : 4); ++i) {
          const double gradient = (source ? found.by_source : found.by_target)[0][i];
          EXPECT_NEAR(gradient, (source ? on_matrix.by_source : on_matrix.by_target)[0][i], 1e-9);
          if (source && i == 2) {
            EXPECT_EQ(gradient, 0);  // no weight
            continue;
          }
          const double slope = slope_of(clouds, value, [&](HostClouds& changed, double step) {
            (source ? changed.sources : changed.targets)[0][i] += step;
          });
          EXPECT_NEAR(gradient + (source ? by_share : 0.0), slope, 1e-5) << source << " " << i;
        }
    }
}

TEST(Gradient, weights_of_balanced_problems_up_to_a_constant) {
  Random random(403);
  const HostClouds clouds = small_clouds(random, EuclideanCost());
  const auto settings = tight(0.2, 1, 1);
  const auto found = weight_gradients(clouds, settings);
  const auto value = [&](const HostClouds& changed) { return dual_of(changed, settings); };
  for (bool source : {true, false})
    for (int i = 1; i < 4; ++i) {
      const double slope = slope_of(clouds, value, [&](HostClouds& changed, double step) {
        Row& weights = (source ? changed.sources : changed.targets)[0];
        weights[i] += step;
        weights[0] -= step;
      });
      const Row& gradient = (source ? found.by_source : found.by_target)[0];
      EXPECT_NEAR(gradient[i] - gradient[0], slope, 1e-5) << source << " " << i;
    }
}

TEST(Gradient, points_that_coincide_count_nothing) {
  for (const GroundCost& kind : tested_costs) {
    HostClouds clouds{is<PowerCost>(kind) ? PowerCost(0.5) : kind, {{0.6, 0.8}}, {{0.6, 0.8}}};
    clouds.add({1}, {1});
    const auto found = position_gradients(clouds, tight(0.1, 0.5, 0.5));
    for (int c = 0; c < 2; ++c) {
      EXPECT_NEAR(found.by_source[0][c], 0, 1e-12) << name(kind);
      EXPECT_NEAR(found.by_target[0][c], 0, 1e-12) << name(kind);
    }
  }
}

TEST(Divergence, zero_for_equal_measures_and_positive_otherwise) {
  Random random(411);
  for (Geometry geometry : {Geometry::line, Geometry::plane, Geometry::space})
    for (double epsilon : {1e-3, 0.05, 10.0})
      for (double tau : {1.0, 0.9, 0.5}) {
        SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon) + " " + std::to_string(tau));
        HostBatch batch = random_batch(random, random_cost(random, geometry), 4, 0.3);
        for (int k = 0; k < 3; ++k) {
          const Row same = batch.sources[k];
          batch.add(same, same);
        }
        if (tau < 1)
          for (double& w : batch.targets[1]) w *= 2.5;
        auto settings = tight(epsilon, tau, tau);
        settings.threshold = 1e-8;
        settings.max_iterations = 100000;
        const Row found = divergence(batch, settings);
        for (int k = 0; k < 4; ++k) EXPECT_GT(found[k], 1e-6) << k;
        for (int k = 4; k < 7; ++k) EXPECT_NEAR(found[k], 0, 1e-9) << k;
      }
}

TEST(Divergence, self_transport_converges_in_a_few_updates_to_the_same_answer) {
  Random random(412);
  for (double epsilon : {1e-3, 0.1, 10.0})
    for (double tau : {1.0, 0.7}) {
      const SeparableCost cost = random_cost(random, Geometry::plane);
      HostBatch batch{cost};
      for (int k = 0; k < 5; ++k) {
        const Row a = random.weights(cost.n(), 0.3);
        batch.add(a, a);
      }
      auto settings = tight(epsilon, tau, tau);
      settings.threshold = 1e-10;
      settings.max_iterations = 100000;
      const auto problems = on_device(batch);
      const UnbalancedSolution<Space> solution(5, cost.n(), cost.m());
      solve_self_transport<SeparableCost, Space>(Space(), cost, problems.source,
                                                 problems.source_index, settings, solution);
      const auto symmetric = on_host(solution);
      const auto plain = solve_unbalanced(batch, settings);
      for (int k = 0; k < 5; ++k) {
        EXPECT_EQ(symmetric.status[k], Status::converged);
        EXPECT_LT(symmetric.iterations[k], 60);
        EXPECT_EQ(symmetric.f[k], symmetric.g[k]);
        EXPECT_LT(symmetric.residual[k], 1e-10);
        EXPECT_NEAR(symmetric.dual_value[k], plain.dual_value[k], 1e-9);
        EXPECT_NEAR(symmetric.transport_cost[k], plain.transport_cost[k], 1e-8);
      }
    }
}

TEST(Divergence, a_shifted_measure_is_as_far_as_the_shift) {
  Random random(413);
  auto clouds = random_clouds(random, SquaredEuclideanCost(), 12, 12, 3);
  const Row shift = {0.3, -0.5, 0.2};
  clouds.y = clouds.x;
  for (Row& point : clouds.y)
    for (int c = 0; c < 3; ++c) point[c] += shift[c];
  const Row weights = random.weights(12, 0.2);
  clouds.add(weights, weights);
  for (double epsilon : {0.05, 1.0, 10.0}) {
    const auto settings = tight(epsilon, 1, 1);
    EXPECT_NEAR(divergence(clouds, settings)[0], 0.09 + 0.25 + 0.04, 1e-9);
    // Its gradient moves every point along the shift.
    const auto slope = divergence_position_gradients(clouds, settings);
    for (int i = 0; i < 12; ++i)
      for (int c = 0; c < 3; ++c) {
        EXPECT_NEAR(slope.by_source[0][3 * i + c], -2 * weights[i] * shift[c], 1e-6);
        EXPECT_NEAR(slope.by_target[0][3 * i + c], 2 * weights[i] * shift[c], 1e-6);
      }
  }
}

TEST(Divergence, large_epsilon_is_the_energy_distance) {
  Random random(414);
  auto clouds = random_clouds(random, EuclideanCost(), 9, 7, 2);
  add_random_problems(random, clouds, 3, 0.2);
  const auto mean_cost = [&](const Rows& x, const Row& a, const Rows& y, const Row& b) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t j = 0; j < y.size(); ++j)
        sum += a[i] * b[j] * ground_cost(clouds, x[i], y[j]);
    return sum;
  };
  const Row found = divergence(clouds, tight(1e4, 1, 1));
  for (int k = 0; k < 3; ++k) {
    const Row &a = clouds.sources[k], &b = clouds.targets[k];
    const double energy = mean_cost(clouds.x, a, clouds.y, b) -
                          mean_cost(clouds.x, a, clouds.x, a) / 2 -
                          mean_cost(clouds.y, b, clouds.y, b) / 2;
    EXPECT_NEAR(found[k], energy, 1e-4);
  }
}

TEST(Divergence, gradients_match_finite_differences) {
  Random random(415);
  for (const GroundCost& kind : tested_costs)
    for (double tau : {0.7, 1.0}) {
      SCOPED_TRACE(name(kind) + " " + std::to_string(tau));
      const HostClouds clouds =
          tau < 1 ? small_clouds_of_masses(random, kind) : small_clouds(random, kind);
      const auto settings = tight(0.3, tau, tau);
      const auto value = [&](const HostClouds& changed) {
        return divergence(changed, settings)[0];
      };
      const auto by_position = divergence_position_gradients(clouds, settings);
      const auto by_weight = divergence_weight_gradients(clouds, settings);
      for (bool source : {true, false})
        for (int i = 0; i < (source ? 5 : 4); ++i) {
          const Row& position = (source ? by_position.by_source : by_position.by_target)[0];
          const Row& weight = (source ? by_weight.by_source : by_weight.by_target)[0];
          const Row& weights = (source ? clouds.sources : clouds.targets)[0];
          for (int c = 0; c < 2; ++c)
            EXPECT_NEAR(
                position[2 * i + c],
                slope_of(clouds, value,
                         [&](HostClouds& moved, double step) { move(moved, source, i, c, step); }),
                2e-6)
                << source << " " << i << " " << c;
          if (weights[i] == 0 || (tau == 1 && i == 0)) continue;
          // Balanced measures keep their mass.
          const double slope = slope_of(clouds, value, [&](HostClouds& changed, double step) {
            Row& moved = (source ? changed.sources : changed.targets)[0];
            moved[i] += step;
            if (tau == 1) moved[0] -= step;
          });
          EXPECT_NEAR(weight[i] - (tau == 1 ? weight[0] : 0.0), slope, 1e-5) << source << " " << i;
        }
    }
}

TEST(Divergence, measures_that_problems_share_are_solved_once) {
  Random random(416);
  HostBatch batch = random_batch(random, random_cost(random, Geometry::plane), 4);
  batch.source_index = {3, 1, 1, 3};
  batch.target_index = {0, 0, 2, 2};
  const auto problems = on_device(batch);
  const auto found =
      sinkhorn_divergence(Space(), batch.cost, batch.cost, batch.cost, problems, tight(0.1, 1, 1));
  EXPECT_EQ(found.source.size(), 2);
  EXPECT_EQ(found.target.size(), 2);
  const Row shared = divergence(batch, tight(0.1, 1, 1));
  for (int k = 0; k < 4; ++k) {
    HostBatch alone{batch.cost};
    alone.add(batch.sources[batch.source_index[k]], batch.targets[batch.target_index[k]]);
    EXPECT_EQ(divergence(alone, tight(0.1, 1, 1))[0], shared[k]);
  }
  EXPECT_TRUE(divergence(batch.subset({}), tight(0.1, 1, 1)).empty());
}

TEST(Divergence, refuses_what_makes_no_sense) {
  Random random(417);
  HostBatch batch = random_batch(random, random_cost(random, Geometry::line), 2);
  EXPECT_THROW(divergence(batch, tight(0.1, 0.5, 0.6)), std::invalid_argument);
  EXPECT_THROW(divergence(batch, tight_share(0.1, 0.6)), std::invalid_argument);
  HostBatch skew{SeparableCost::dense(2, 2, {0, 1, 2, 0})};
  skew.add({0.5, 0.5}, {0.3, 0.7});
  EXPECT_THROW(divergence(skew, tight(0.1, 1, 1)), std::invalid_argument);
  HostBatch wide{SeparableCost::dense(2, 1, {0, 1})};
  wide.add({0.5, 0.5}, {1});
  EXPECT_THROW(divergence(wide, tight(0.1, 1, 1)), std::invalid_argument);
  HostClouds clouds = small_clouds(random, EuclideanCost());
  clouds.y = clouds.x;
  clouds.targets = clouds.sources;
  EXPECT_NO_THROW(divergence(clouds, tight(0.1, 1, 1)));
  const auto problems = problems_on_device(clouds);
  clouds.y[1][0] += 1e-9;
  const UnbalancedSolution<Space> solution(1, 5, 5);
  EXPECT_THROW((solve_self_transport<PointCloudCost<Space>, Space>(
                   Space(), on_device(clouds), problems.source, problems.source_index,
                   tight(0.1, 1, 1), solution)),
               std::invalid_argument);
  for (double& w : batch.targets[1]) w *= 1.1;
  EXPECT_NO_THROW(divergence(batch, tight(0.1, 0.5, 0.5)));
  try {
    divergence(batch, tight(0.1, 1, 1));
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("problem 1"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace otfleet::kernels
