// Barycenters with free support against closed forms and nested loops.
#include "kernels/free_support/free_support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <stdexcept>
#include <vector>

#include "kernels/problems/status.hpp"
#include "tests/kernels/cloud_measures.hpp"
#include "tests/kernels/reference.hpp"

namespace otfleet::kernels {
namespace {

using test::HostMeasure;
using test::Row;
using test::Rows;

/// Problems in host arrays; all barycenters have as many points.
struct Problems {
  std::vector<HostMeasure> measures;
  std::vector<std::vector<int>> index;
  std::vector<Row> weight;   ///< of the measures
  std::vector<Rows> points;  ///< of each barycenter, to begin with
  std::vector<Row> support;  ///< their weights
};

struct Answer {
  std::vector<Rows> points;
  FreeSupportProgress progress;
  FreeSupportFigures figures;
  Rows f, potentials;  ///< f: of a problem; potentials: of a transport
};

FreeSupportBatch<Space> batch_of(const Problems& problems) {
  FreeSupportBatch<Space> batch;
  batch.measures = on_device(test::HostMeasures{SquaredEuclideanCost{}}, problems.measures);
  batch.offsets = {0};
  for (std::size_t k = 0; k < problems.index.size(); ++k) {
    batch.index.insert(batch.index.end(), problems.index[k].begin(), problems.index[k].end());
    batch.weight.insert(batch.weight.end(), problems.weight[k].begin(), problems.weight[k].end());
    batch.offsets.push_back(static_cast<std::int64_t>(batch.index.size()));
  }
  return batch;
}

/// Problems as solve_free_supports() takes them.
struct OnDevice {
  FreeSupportBatch<Space> batch;
  FreeSupports<Space> supports;
  FreeSupportProgress progress;
  std::size_t n, d;

  explicit OnDevice(const Problems& problems)
      : batch(batch_of(problems)),
        progress(problems.index.size()),
        n(problems.points[0].size()),
        d(problems.points[0][0].size()) {
    Rows points;
    for (const auto& one : problems.points) points.insert(points.end(), one.begin(), one.end());
    supports.points = Matrix<double, Space>("otfleet::test::points", points.size(), d);
    supports.weights = Matrix<double, Space>("otfleet::test::weights", problems.index.size(), n);
    const auto host_points = Kokkos::create_mirror_view(supports.points);
    for (std::size_t i = 0; i < points.size(); ++i)
      for (std::size_t c = 0; c < d; ++c) host_points(i, c) = points[i][c];
    Kokkos::deep_copy(supports.points, host_points);
    const auto host_weights = Kokkos::create_mirror_view(supports.weights);
    for (std::size_t k = 0; k < problems.index.size(); ++k)
      for (std::size_t i = 0; i < n; ++i) host_weights(k, i) = problems.support[k][i];
    Kokkos::deep_copy(supports.weights, host_weights);
    supports.last = Matrix<double, Space>("otfleet::test::last", points.size(), d);
    supports.f = Vector<double, Space>("otfleet::test::f", batch.potential_offsets().back());
  }

  void solve(const FreeSupportSettings& settings, std::vector<int> which = {}) {
    if (which.empty()) {
      which.resize(static_cast<std::size_t>(batch.size()));
      std::iota(which.begin(), which.end(), 0);
    }
    solve_free_supports<Space>(Space(), batch, settings, which, supports, progress);
  }

  Answer answer(double epsilon) const {
    Answer answer;
    const Matrix<double, Space> potentials("otfleet::test::potentials", batch.index.size(), n);
    answer.figures = certify_free_supports<Space>(Space(), batch, epsilon, supports, potentials);
    const auto points = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), supports.points);
    for (int k = 0; k < batch.size(); ++k) {
      auto& rows = answer.points.emplace_back();
      for (std::size_t i = 0; i < n; ++i) {
        rows.emplace_back();
        for (std::size_t c = 0; c < d; ++c) rows.back().push_back(points(k * n + i, c));
      }
    }
    answer.progress = progress;
    answer.f = test::split(test::on_host(supports.f), batch.potential_offsets());
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), potentials);
    for (std::size_t t = 0; t < host.extent(0); ++t)
      answer.potentials.emplace_back(&host(t, 0), &host(t, 0) + n);
    return answer;
  }
};

Answer solve(const Problems& problems, const FreeSupportSettings& settings) {
  OnDevice on_device(problems);
  on_device.solve(settings);
  return on_device.answer(settings.epsilon);
}

FreeSupportSettings exact_settings(double epsilon) {
  FreeSupportSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = 1e-10;
  settings.max_iterations = 200000;
  settings.point_threshold = 1e-8;
  settings.max_moves = 5000;
  return settings;
}

Row equal_weights(std::size_t count) {
  return Row(count, 1.0 / static_cast<double>(count));
}

Rows random_points(std::mt19937& random, std::size_t count, std::size_t dimension) {
  std::normal_distribution<double> normal;
  Rows points(count, Row(dimension));
  for (auto& point : points)
    for (double& x : point) x = normal(random);
  return points;
}

/// Ragged problems over random clouds, of which some points have no weight.
Problems random_problems(std::size_t n, std::size_t dimension, int measures,
                         const std::vector<int>& sizes, unsigned seed, int most_points = 12) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  Problems problems;
  for (int s = 0; s < measures; ++s) {
    const std::size_t count = 2 + random() % static_cast<unsigned>(most_points - 1);
    HostMeasure measure{random_points(random, count, dimension), Row(count)};
    for (double& w : measure.weights) w = uniform(random) < 0.2 ? 0 : 0.1 + uniform(random);
    measure.weights[0] += 0.5;
    const double sum = std::accumulate(measure.weights.begin(), measure.weights.end(), 0.0);
    for (double& w : measure.weights) w /= sum;
    problems.measures.push_back(measure);
  }
  for (const int size : sizes) {
    auto& index = problems.index.emplace_back();
    auto& weight = problems.weight.emplace_back();
    for (int s = 0; s < size; ++s) {
      index.push_back(static_cast<int>(random() % static_cast<unsigned>(measures)));
      weight.push_back(0.2 + uniform(random));
    }
    problems.points.push_back(random_points(random, n, dimension));
    problems.support.push_back(Row(n));
    for (double& w : problems.support.back()) w = 0.2 + uniform(random);
  }
  return problems;
}

/// The transport from a measure to points with weights.
test::DenseProblem transport(const HostMeasure& measure, const Rows& points, const Row& weights,
                             double epsilon) {
  test::DenseProblem problem;
  problem.n = static_cast<int>(measure.points.size());
  problem.m = static_cast<int>(points.size());
  problem.a = measure.weights;
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (const double w : weights) problem.b.push_back(w / sum);
  for (const Row& x : measure.points)
    for (const Row& y : points) {
      double cost = 0;
      for (std::size_t c = 0; c < x.size(); ++c) cost += (x[c] - y[c]) * (x[c] - y[c]);
      problem.cost.push_back(cost);
    }
  problem.epsilon = epsilon;
  return problem;
}

/// The points after `moves` moves with exact plans; the value at the last points but one.
Rows reference(const Problems& problems, std::size_t k, double epsilon, int moves,
               double* value = nullptr) {
  Rows points = problems.points[k];
  const double total = std::accumulate(problems.weight[k].begin(), problems.weight[k].end(), 0.0);
  std::vector<Row> f;
  for (const int s : problems.index[k])
    f.emplace_back(problems.measures[static_cast<std::size_t>(s)].weights.size(), 0.0);
  for (int move = 0; move < moves; ++move) {
    Rows next(points.size(), Row(points[0].size(), 0.0));
    if (value != nullptr) *value = 0;
    for (std::size_t t = 0; t < f.size(); ++t) {
      const auto& measure = problems.measures[static_cast<std::size_t>(problems.index[k][t])];
      const auto problem = transport(measure, points, problems.support[k], epsilon);
      f[t] = test::solve_reference(problem, f[t], 1e-11, 1, 100000).f;
      const double w = problems.weight[k][t] / total;
      const auto plan = test::plan(problem, f[t], test::half_step(problem, f[t]));
      for (int j = 0; j < problem.m; ++j)
        for (int i = 0; i < problem.n; ++i)
          for (std::size_t c = 0; c < next[0].size(); ++c)
            next[j][c] += w * plan[i * problem.m + j] / problem.b[j] * measure.points[i][c];
      if (value != nullptr) *value += w * test::dual_value(problem, f[t]);
    }
    points = next;
  }
  return points;
}

double distance(const Rows& x, const Rows& y) {
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t c = 0; c < x[i].size(); ++c)
      largest = std::max(largest, std::abs(x[i][c] - y[i][c]));
  return largest;
}

TEST(FreeSupport, RaggedProblemsStopWhereNestedLoopsWould) {
  for (const std::size_t dimension : {1u, 2u, 5u}) {
    const auto problems = random_problems(6, dimension, 9, {1, 3, 9, 2, 4}, 11);
    for (const double epsilon : {1.0, 0.3, 0.05}) {
      const auto found = solve(problems, exact_settings(epsilon));
      for (std::size_t k = 0; k < problems.index.size(); ++k) {
        EXPECT_EQ(found.progress.status[k], static_cast<int>(Status::converged));
        EXPECT_LE(found.progress.residual[k], 1e-8);
        EXPECT_LE(found.figures.marginal_error[k], 1e-10);
        Problems again = problems;
        again.points[k] = found.points[k];
        double value = 0, first_value = 0;
        const auto moved = reference(again, k, epsilon, 1, &value);
        EXPECT_LT(distance(moved, found.points[k]), 1e-6)
            << "problem " << k << ", " << dimension << " coordinates, epsilon " << epsilon;
        EXPECT_NEAR(found.figures.dual_value[k], value, 1e-8);
        reference(problems, k, epsilon, 2, &first_value);  // after one move
        EXPECT_LE(value, first_value + 1e-9);
      }
    }
  }
}

TEST(FreeSupport, OneMeasureIsRecovered) {
  std::mt19937 random(3);
  Problems problems;
  problems.measures = {{random_points(random, 20, 3), equal_weights(20)}};
  problems.index = {{0}};
  problems.weight = {{2}};
  problems.points = {random_points(random, 20, 3)};
  problems.support = {Row(20, 1.0)};
  const auto found = solve(problems, exact_settings(1e-3));
  EXPECT_EQ(found.progress.status[0], static_cast<int>(Status::converged));
  std::set<std::size_t> reached;
  for (const Row& point : found.points[0])
    for (std::size_t i = 0; i < 20; ++i)
      if (distance({point}, {problems.measures[0].points[i]}) < 1e-6) reached.insert(i);
  EXPECT_EQ(reached.size(), 20u);
  EXPECT_NEAR(found.figures.transport_cost[0], 0, 1e-6);
}

TEST(FreeSupport, OfTranslatedCopiesItIsTheCopyBetween) {
  std::mt19937 random(5);
  const Rows cloud = random_points(random, 15, 2);
  Rows copy = cloud;
  for (Row& point : copy) {
    point[0] += 3;
    point[1] -= 1;
  }
  Problems problems;
  problems.measures = {{cloud, equal_weights(15)}, {copy, equal_weights(15)}};
  problems.index = {{0, 1}};
  problems.weight = {{0.3, 0.7}};
  problems.points = {random_points(random, 15, 2)};
  problems.support = {Row(15, 1.0)};
  const auto found = solve(problems, exact_settings(1e-3));
  std::set<std::size_t> reached;
  for (const Row& point : found.points[0])
    for (std::size_t i = 0; i < 15; ++i)
      if (distance({point}, {{cloud[i][0] + 0.7 * 3, cloud[i][1] - 0.7}}) < 1e-5) reached.insert(i);
  EXPECT_EQ(reached.size(), 15u);
  // 0.3 (0.7 t)² + 0.7 (0.3 t)² with |t|² = 10.
  EXPECT_NEAR(found.figures.transport_cost[0], 10 * 0.21, 1e-5);
  EXPECT_LE(found.figures.lower_bound[0], 10 * 0.21);
  EXPECT_GE(found.figures.upper_bound[0], 10 * 0.21);
}

TEST(FreeSupport, OnALineItAveragesQuantiles) {
  std::mt19937 random(7);
  Problems problems;
  std::vector<Row> sorted;
  for (int s = 0; s < 3; ++s) {
    Rows points = random_points(random, 25, 1);
    for (Row& point : points) point[0] = point[0] * (1 + s) + 4 * s;
    problems.measures.push_back({points, equal_weights(25)});
    sorted.push_back(test::flat(points));
    std::sort(sorted.back().begin(), sorted.back().end());
  }
  problems.index = {{0, 1, 2}};
  problems.weight = {{1, 2, 1}};
  problems.points = {random_points(random, 25, 1)};
  problems.support = {Row(25, 1.0)};
  auto settings = exact_settings(5e-4);
  settings.threshold = 1e-7;
  const auto found = solve(problems, settings);
  Row points = test::flat(found.points[0]);
  std::sort(points.begin(), points.end());
  for (std::size_t i = 0; i < 25; ++i)
    EXPECT_NEAR(points[i], 0.25 * sorted[0][i] + 0.5 * sorted[1][i] + 0.25 * sorted[2][i], 5e-3);
}

/// Mean and covariance of equally weighted points in the plane.
struct Moments {
  double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  explicit Moments(const Rows& points) {
    const auto count = static_cast<double>(points.size());
    for (const Row& p : points) {
      x += p[0] / count;
      y += p[1] / count;
    }
    for (const Row& p : points) {
      xx += (p[0] - x) * (p[0] - x) / count;
      xy += (p[0] - x) * (p[1] - y) / count;
      yy += (p[1] - y) * (p[1] - y) / count;
    }
  }
};

TEST(FreeSupport, OfGaussiansWithEqualCovariancesItHasThatCovariance) {
  // Samples of different sizes, made to have mean and covariance exactly.
  std::mt19937 random(9);
  const auto sample = [&](std::size_t count, double x, double y) {
    Rows points = random_points(random, count, 2);
    const Moments of(points);
    const double l11 = std::sqrt(of.xx), l21 = of.xy / l11, l22 = std::sqrt(of.yy - l21 * l21);
    for (Row& p : points) {
      const double u = (p[0] - of.x) / l11, v = ((p[1] - of.y) - l21 * u) / l22;
      p = {x + 2 * u, y + 0.5 * u + v};  // covariance [4, 1; 1, 1.25]
    }
    return points;
  };
  Problems problems;
  problems.measures = {{sample(150, 0, 0), equal_weights(150)},
                       {sample(170, 6, 2), equal_weights(170)},
                       {sample(190, -3, 4), equal_weights(190)}};
  problems.index = {{0, 1, 2}};
  problems.weight = {{0.5, 0.25, 0.25}};
  problems.points = {random_points(random, 120, 2)};
  problems.support = {Row(120, 1.0)};
  const auto moments = [&](double epsilon) {
    auto settings = exact_settings(epsilon);
    settings.threshold = 1e-5;
    settings.point_threshold = 1e-3;
    const auto found = solve(problems, settings);
    EXPECT_EQ(found.progress.status[0], static_cast<int>(Status::converged));
    return Moments(found.points[0]);
  };
  const auto blurred = moments(1.0), sharp = moments(0.1);
  for (const auto& of : {blurred, sharp}) {
    EXPECT_NEAR(of.x, 0.25 * 6 - 0.25 * 3, 1e-3);
    EXPECT_NEAR(of.y, 0.25 * 2 + 0.25 * 4, 1e-3);
  }
  // Between Gaussians with covariance S the entropic one has S − epsilon/2 in every direction.
  EXPECT_NEAR(blurred.xx, 4 - 0.5, 0.15);
  EXPECT_NEAR(blurred.yy, 1.25 - 0.5, 0.1);
  EXPECT_NEAR(sharp.xx, 4, 0.15);
  EXPECT_NEAR(sharp.xy, 1, 0.1);
  EXPECT_NEAR(sharp.yy, 1.25, 0.1);
}

TEST(FreeSupport, MomentumNeedsFewerMoves) {
  const auto problems = random_problems(40, 2, 9, {3, 5, 7, 4}, 41, 60);
  for (const double threshold : {1e-2, 1e-6}) {
    FreeSupportSettings settings;
    settings.epsilon = 0.1;
    settings.threshold = threshold;
    settings.point_threshold = 1e-4;
    settings.max_moves = 20000;
    settings.max_iterations = 100000;
    const auto with = solve(problems, settings);
    settings.momentum = false;
    const auto without = solve(problems, settings);
    int moves = 0, plain_moves = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_EQ(with.progress.status[k], static_cast<int>(Status::converged));
      EXPECT_EQ(without.progress.status[k], static_cast<int>(Status::converged));
      moves += with.progress.moves[k];
      plain_moves += without.progress.moves[k];
    }
    EXPECT_LT(2 * moves, plain_moves);
  }
}

TEST(FreeSupport, AProblemIsSolvedAsAlone) {
  // Small problems side by side, and large ones.
  for (const int most : {12, 200}) {
    const auto all = random_problems(most == 12 ? 7 : 150, 2, 9, {3, 1, 7, 5}, 13, most);
    FreeSupportSettings settings;
    settings.epsilon = 0.2;
    settings.max_moves = 5000;
    const auto together = solve(all, settings);
    std::set<int> moves;
    for (std::size_t k = 0; k < all.index.size(); ++k) {
      Problems one = all;
      one.index = {all.index[k]};
      one.weight = {all.weight[k]};
      one.points = {all.points[k]};
      one.support = {all.support[k]};
      const auto alone = solve(one, settings);
      EXPECT_EQ(alone.points[0], together.points[k]);
      EXPECT_EQ(alone.f[0], together.f[k]);
      EXPECT_EQ(alone.progress.residual[0], together.progress.residual[k]);
      EXPECT_EQ(alone.progress.moves[0], together.progress.moves[k]);
      EXPECT_EQ(alone.progress.iterations[0], together.progress.iterations[k]);
      EXPECT_EQ(alone.figures.dual_value[0], together.figures.dual_value[k]);
      EXPECT_EQ(alone.figures.upper_bound[0], together.figures.upper_bound[k]);
      EXPECT_EQ(together.progress.status[k], static_cast<int>(Status::converged));
      moves.insert(together.progress.moves[k]);
    }
    EXPECT_GT(moves.size(), 1u);  // they did not leave the batch together
  }
}

TEST(FreeSupport, WhatIsReportedHoldsAtThePointsAndPotentialsThatAreReturned) {
  const auto problems = random_problems(8, 3, 6, {4, 2}, 17);
  FreeSupportSettings settings;
  settings.epsilon = 0.3;
  settings.threshold = 1e-6;
  const auto found = solve(problems, settings);
  std::size_t t = 0;
  for (std::size_t k = 0; k < 2; ++k) {
    const double total = std::accumulate(problems.weight[k].begin(), problems.weight[k].end(), 0.0);
    double exact = 0, cost = 0;
    std::size_t first = 0;
    for (std::size_t s = 0; s < problems.index[k].size(); ++s, ++t) {
      const auto& measure = problems.measures[static_cast<std::size_t>(problems.index[k][s])];
      const auto problem =
          transport(measure, found.points[k], problems.support[k], settings.epsilon);
      const Row f(found.f[k].begin() + static_cast<std::ptrdiff_t>(first),
                  found.f[k].begin() + static_cast<std::ptrdiff_t>(first + measure.weights.size()));
      first += measure.weights.size();
      EXPECT_LE(test::marginal_error(problem, f), 1e-6);
      const auto g = test::half_step(problem, f);
      for (int j = 0; j < problem.m; ++j) EXPECT_NEAR(found.potentials[t][j], g[j], 1e-9);
      exact += problems.weight[k][s] / total * test::exact_cost(problem);
      cost += problems.weight[k][s] / total * test::transport_cost(problem, f);
    }
    EXPECT_NEAR(found.figures.transport_cost[k], cost, 1e-9);
    EXPECT_LE(found.figures.lower_bound[k], exact + 1e-9);
    EXPECT_GE(found.figures.upper_bound[k], exact - 1e-9);
    EXPECT_LT(found.figures.upper_bound[k] - found.figures.lower_bound[k], 1.0);
    // One more move of the reference goes as far as the residual says.
    Problems again = problems;
    again.points[k] = found.points[k];
    const auto moved = reference(again, k, settings.epsilon, 1);
    EXPECT_LT(distance(moved, found.points[k]), 0.05);
    EXPECT_GT(distance(moved, found.points[k]), 0);
  }
}

TEST(FreeSupport, PointsWithoutWeightStayAndMeasuresWithoutWeightDoNotCount) {
  auto problems = random_problems(6, 2, 5, {3}, 19);
  problems.support[0][2] = 0;
  problems.index[0] = {0, 1, 2};
  problems.weight[0] = {1, 0, 2};
  const auto found = solve(problems, exact_settings(0.5));
  EXPECT_EQ(found.points[0][2], problems.points[0][2]);
  EXPECT_EQ(found.potentials[0][2], -std::numeric_limits<double>::infinity());
  auto without = problems;
  without.index[0] = {0, 2};
  without.weight[0] = {1, 2};
  EXPECT_LT(distance(solve(without, exact_settings(0.5)).points[0], found.points[0]), 1e-6);
}

TEST(FreeSupport, PointsFarFromTheOriginKeepTheirDigits) {
  auto problems = random_problems(5, 2, 4, {4}, 23);
  auto far = problems;
  for (auto& measure : far.measures)
    for (Row& point : measure.points) point[0] += 1e6;
  for (Row& point : far.points[0]) point[0] += 1e6;
  auto settings = exact_settings(0.5);
  settings.point_threshold = 1e-7;
  auto near_points = solve(problems, settings).points[0];
  for (Row& point : near_points) point[0] += 1e6;
  const auto found = solve(far, settings);
  EXPECT_EQ(found.progress.status[0], static_cast<int>(Status::converged));
  EXPECT_LT(distance(found.points[0], near_points), 1e-5);
}

TEST(FreeSupport, EqualPointsHaveThatPointAsBarycenter) {
  Problems problems;
  problems.measures = {{Rows(3, Row{2, 5}), equal_weights(3)}, {Rows(1, Row{2, 5}), {1}}};
  problems.index = {{0, 1}};
  problems.weight = {{1, 1}};
  problems.points = {{{0, 0}, {1, 1}}};
  problems.support = {{1, 1}};
  const auto found = solve(problems, exact_settings(0.1));
  EXPECT_EQ(found.progress.status[0], static_cast<int>(Status::converged));
  EXPECT_LT(distance(found.points[0], Rows(2, Row{2, 5})), 1e-12);
}

TEST(FreeSupport, LimitsHaveAStatusAndExactPlansAllTheSame) {
  const auto problems = random_problems(8, 2, 6, {4, 3}, 29);
  auto settings = exact_settings(0.2);
  settings.max_moves = 3;
  const auto found = solve(problems, settings);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(found.progress.status[k], static_cast<int>(Status::iteration_limit));
    EXPECT_EQ(found.progress.moves[k], 3);
    EXPECT_LE(found.figures.marginal_error[k], 1e-10);
  }
  settings.max_moves = 0;
  const auto stay = solve(problems, settings);
  EXPECT_EQ(stay.points, problems.points);
  EXPECT_EQ(stay.progress.moves[0], 0);
  // A plan that may not become exact is no converged one.
  settings = exact_settings(1e-2);
  settings.max_iterations = 2;
  settings.max_moves = 100000;
  settings.point_threshold = 0.5;
  EXPECT_EQ(solve(problems, settings).progress.status[0],
            static_cast<int>(Status::iteration_limit));
}

/// Ends the batch after so many looks.
class Ending final : public IterationObserver {
 public:
  explicit Ending(int looks) : looks_(looks) {}
  std::set<int> seen;

 private:
  bool observe(int problem, int, double) noexcept override {
    seen.insert(problem);
    return looks_-- > 0;
  }
  int looks_;
};

TEST(FreeSupport, WhatAnObserverEndsGoesOnFromThere) {
  const auto problems = random_problems(40, 2, 30, std::vector<int>(60, 6), 31, 60);
  FreeSupportSettings settings = exact_settings(0.02);
  settings.threshold = 1e-7;
  settings.point_threshold = 1e-5;
  OnDevice broken(problems);
  Ending observer(3);
  settings.observer = &observer;
  broken.solve(settings);
  EXPECT_TRUE(observer.ended());
  for (const int problem : observer.seen) EXPECT_TRUE(problem >= 0 && problem < 60);
  std::vector<int> open;
  for (int k = 0; k < 60; ++k)
    if (broken.progress.status[static_cast<std::size_t>(k)] == static_cast<int>(Status::ended))
      open.push_back(k);
  ASSERT_FALSE(open.empty());
  settings.observer = nullptr;
  broken.solve(settings, open);
  const auto found = broken.answer(settings.epsilon), whole = solve(problems, settings);
  for (std::size_t k = 0; k < 60; ++k) {
    EXPECT_EQ(found.progress.status[k], static_cast<int>(Status::converged));
    EXPECT_NEAR(found.figures.dual_value[k], whole.figures.dual_value[k], 2e-3);
  }
}

TEST(FreeSupport, RefusesWhatItCannotSolve) {
  const auto good = random_problems(4, 2, 3, {2}, 37);
  const auto refused = [&](const std::function<void(OnDevice&, FreeSupportSettings&)>& change,
                           const std::string& part) {
    OnDevice problems(good);
    FreeSupportSettings settings;
    change(problems, settings);
    try {
      problems.solve(settings);
      ADD_FAILURE() << "not refused: " << part;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused([](OnDevice&, FreeSupportSettings& s) { s.epsilon = 0; }, "epsilon must be > 0");
  refused([](OnDevice&, FreeSupportSettings& s) { s.epsilon = 1e-20; }, "problem 0: epsilon");
  refused([](OnDevice&, FreeSupportSettings& s) { s.threshold = 0; }, "threshold must be > 0");
  refused([](OnDevice&, FreeSupportSettings& s) { s.point_threshold = 0; }, "point_threshold");
  refused([](OnDevice&, FreeSupportSettings& s) { s.max_moves = -1; }, "max_moves");
  refused(
      [](OnDevice& p, FreeSupportSettings&) {
        p.batch.weight = {0, 0};
      },
      "problem 0 has no positive weight");
  refused(
      [](OnDevice& p, FreeSupportSettings&) {
        p.batch.index = {0, 3};
      },
      "problem 0 names a measure that does not exist");
  refused([](OnDevice& p, FreeSupportSettings&) { p.supports.weights = {}; }, "need points");
  refused(
      [](OnDevice& p, FreeSupportSettings&) {
        p.supports.points = Matrix<double, Space>("otfleet::test::points", 4, 3);
        p.supports.last = p.supports.points;
      },
      "points of barycenters have 3 coordinates, those of measures 2");
  refused(
      [&](OnDevice& p, FreeSupportSettings&) {
        p.batch.measures = on_device(test::HostMeasures{EuclideanCost{}}, good.measures);
      },
      "need squared Euclidean costs");
  refused([](OnDevice& p, FreeSupportSettings&) { p.supports.f = {}; }, "one potential");
  refused([](OnDevice& p, FreeSupportSettings&) { p.supports.last = {}; }, "one last place");
}

}  // namespace
}  // namespace otfleet::kernels
