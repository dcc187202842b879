#include "kernels/api/gromov_wasserstein.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "kernels/problems/status.hpp"
#include "tests/kernels/host_batch.hpp"
#include "tests/kernels/reference.hpp"

namespace otfleet::kernels {
namespace {

using test::Random;
using test::Row;

/// A measure: weights, and points one after the other.
struct Space {
  Row weights, points;
};

/// Problems between spaces k and k of two lists.
struct Problems {
  GromovWassersteinProblems::Kind kind;
  GromovWassersteinSettings settings;
  std::vector<Space> sources, targets;

  Problems(GroundCost cost, int coordinates, double epsilon) {
    kind.cost = cost;
    kind.coordinates = coordinates;
    settings.epsilon = epsilon;
    settings.threshold = 1e-7;
  }
  void add(Space source, Space target) {
    sources.push_back(std::move(source));
    targets.push_back(std::move(target));
  }

  struct Table {
    Row weights, points;
    std::vector<std::int64_t> offsets = {0};

    explicit Table(const std::vector<Space>& spaces) {
      for (const Space& space : spaces) {
        weights.insert(weights.end(), space.weights.begin(), space.weights.end());
        points.insert(points.end(), space.points.begin(), space.points.end());
        offsets.push_back(static_cast<std::int64_t>(weights.size()));
      }
    }
    MetricMeasures measures() const { return {weights, points, offsets}; }
  };
  GromovWassersteinProblems begin() const {
    const Table from(sources), to(targets);
    std::vector<std::int32_t> index(sources.size());
    std::iota(index.begin(), index.end(), 0);
    const std::vector<std::int64_t> streams(index.begin(), index.end());
    return {kind, settings, from.measures(), to.measures(), index, index, streams};
  }
  GromovWassersteinProblems solved(int limit = 2000) const {
    auto problems = begin();
    std::vector<std::int32_t> all(sources.size());
    std::iota(all.begin(), all.end(), 0);
    problems.run(all, limit, nullptr);
    return problems;
  }

  double inner(const Row& points, std::size_t i, std::size_t k) const {
    const auto width = static_cast<std::size_t>(kind.coordinates),
               dimension = width - static_cast<std::size_t>(kind.features);
    return with_ground_cost(*kind.cost, [&](const auto& typed) {
      using Cost = std::remove_cvref_t<decltype(typed)>;
      typename Cost::template Sum<double> sum(0.0);
      for (std::size_t c = 0; c < dimension; ++c)
        sum = Cost::add(sum, points[i * width + c], points[k * width + c]);
      return typed.template from_sum<double, double>(sum);
    });
  }
  double feature_cost(const Row& x, std::size_t i, const Row& y, std::size_t j) const {
    const auto width = static_cast<std::size_t>(kind.coordinates);
    double sum = 0;
    for (std::size_t c = width - static_cast<std::size_t>(kind.features); c < width; ++c)
      sum += (x[i * width + c] - y[j * width + c]) * (x[i * width + c] - y[j * width + c]);
    return sum;
  }
  /// The sum over pairs of pairs, term by term.
  double cost_of(std::size_t k, const Row& plan) const {
    const Space &x = sources[k], &y = targets[k];
    const std::size_t n = x.weights.size(), m = y.weights.size();
    double distortion = 0, linear = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < m; ++j) {
        const double entry = plan[i * m + j];
        linear += entry * feature_cost(x.points, i, y.points, j);
        for (std::size_t p = 0; p < n; ++p)
          for (std::size_t q = 0; q < m; ++q) {
            const double difference = inner(x.points, i, p) - inner(y.points, j, q);
            distortion += entry * plan[p * m + q] * difference * difference;
          }
      }
    return settings.alpha * distortion + (1 - settings.alpha) * linear;
  }
  /// The least cost of plans that are permutations: the minimum, where weights are equal and the
  /// distortion is a concave function of plans.
  double least_of_permutations(std::size_t k) const {
    const std::size_t n = sources[k].weights.size();
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t(0));
    double least = std::numeric_limits<double>::infinity();
    do {
      Row plan(n * n, 0.0);
      for (std::size_t i = 0; i < n; ++i) plan[i * n + order[i]] = 1 / static_cast<double>(n);
      least = std::min(least, cost_of(k, plan));
    } while (std::next_permutation(order.begin(), order.end()));
    return least;
  }
};

Space random_space(Random& random, int points, int coordinates, bool equal = false) {
  return {equal ? Row(static_cast<std::size_t>(points), 1.0 / points) : random.weights(points),
          random.uniform_row(points * coordinates, -1, 1)};
}

/// The same points turned by an angle, mirrored, moved, in another order.
Space moved(const Space& space, double angle, bool mirrors, const std::vector<std::size_t>& order) {
  Space result;
  for (const std::size_t i : order) {
    const double x = space.points[2 * i], y = (mirrors ? -1 : 1) * space.points[2 * i + 1];
    result.points.push_back(std::cos(angle) * x - std::sin(angle) * y + 3);
    result.points.push_back(std::sin(angle) * x + std::cos(angle) * y - 5);
    result.weights.push_back(space.weights[i]);
  }
  return result;
}

void expect_plan(const Row& plan, const Space& x, const Space& y, const std::string& of) {
  const std::size_t n = x.weights.size(), m = y.weights.size();
  const double a = std::accumulate(x.weights.begin(), x.weights.end(), 0.0),
               b = std::accumulate(y.weights.begin(), y.weights.end(), 0.0);
  Row columns(m, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    double row = 0;
    for (std::size_t j = 0; j < m; ++j) {
      EXPECT_GE(plan[i * m + j], 0) << of;
      row += plan[i * m + j];
      columns[j] += plan[i * m + j];
    }
    EXPECT_NEAR(row, x.weights[i] / a, 1e-14) << of;
  }
  for (std::size_t j = 0; j < m; ++j) EXPECT_NEAR(columns[j], y.weights[j] / b, 1e-14) << of;
}

const std::vector<GroundCost>& costs() {
  static const std::vector<GroundCost> all = {SquaredEuclideanCost{}, EuclideanCost{}, PowerCost(2),
                                              ManhattanCost{}};
  return all;
}

/// Costs are those of plans, plans have the marginals, and bounds hold what enumeration finds.
TEST(GromovWasserstein, SmallSpacesByEnumeration) {
  Random random(1);
  int found = 0, count = 0;
  for (const GroundCost& cost : costs()) {
    Problems problems(cost, 2, 2e-3);
    problems.kind.starts = 6;
    for (int k = 0; k < 12; ++k)
      problems.add(random_space(random, 4, 2, true), random_space(random, 4, 2, true));
    const auto solved = problems.solved();
    const auto results = solved.results();
    for (std::size_t k = 0; k < results.cost.size(); ++k) {
      const std::string of = name_of(cost) + std::string(", problem ") + std::to_string(k);
      const auto plan = solved.plan(static_cast<std::int32_t>(k), results.start[k]);
      expect_plan(plan, problems.sources[k], problems.targets[k], of);
      EXPECT_NEAR(problems.cost_of(k, plan), results.cost[k], 1e-12) << of;
      const double least = problems.least_of_permutations(k);
      EXPECT_LE(results.lower_bound[k], least) << of;
      EXPECT_GE(results.lower_bound[k], 0) << of;
      EXPECT_GE(results.upper_bound[k], results.cost[k]) << of;
      ++count;
      found += results.cost[k] < least + 0.03 ? 1 : 0;
      if (static_cast<Status>(results.status[k]) == Status::converged) {
        EXPECT_LE(results.residual[k], 1e-7) << of;
        EXPECT_LE(results.marginal_error[k], 1e-7) << of;
      }
    }
  }
  EXPECT_GE(found, count * 9 / 10) << "of " << count;
}

/// A factorized cost and the same one without factors lead to the same plans.
TEST(GromovWasserstein, FactorsChangeNothing) {
  Random random(2);
  Problems factored(SquaredEuclideanCost{}, 2, 0.05), plain(PowerCost(2), 2, 0.05);
  for (const auto& [n, m] : {std::pair{30, 41}, {17, 9}, {64, 64}}) {
    const Space x = random_space(random, n, 2), y = random_space(random, m, 2);
    factored.add(x, y);
    plain.add(x, y);
  }
  const auto one = factored.solved(), other = plain.solved();
  const auto results = one.results(), others = other.results();
  for (std::size_t k = 0; k < results.cost.size(); ++k) {
    EXPECT_EQ(results.status[k], static_cast<int>(Status::converged));
    EXPECT_NEAR(results.cost[k], others.cost[k], 1e-6);
    EXPECT_NEAR(results.lower_bound[k], others.lower_bound[k], 1e-6);
    EXPECT_NEAR(results.regularized_value[k], others.regularized_value[k], 1e-6);
  }
}

/// Turned, mirrored and moved points are at no distance, and each point finds its own.
TEST(GromovWasserstein, IsometricSpaces) {
  Random random(3);
  for (const GroundCost& cost : {GroundCost(SquaredEuclideanCost{}), GroundCost(EuclideanCost{})}) {
    Problems problems(cost, 2, 1e-4);
    std::vector<std::vector<std::size_t>> orders;
    for (int k = 0; k < 8; ++k) {
      const int n = random.integer(5, 40);
      const Space space = random_space(random, n, 2, true);
      std::vector<std::size_t> order(static_cast<std::size_t>(n));
      std::iota(order.begin(), order.end(), std::size_t(0));
      for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1],
                  order[static_cast<std::size_t>(random.integer(0, static_cast<int>(i) - 1))]);
      problems.add(space, moved(space, random.uniform(0, 6), k % 2 == 1, order));
      orders.push_back(order);
    }
    const auto solved = problems.solved();
    const auto results = solved.results();
    for (std::size_t k = 0; k < orders.size(); ++k) {
      EXPECT_GE(results.cost[k], 0);
      EXPECT_LT(results.cost[k], 2e-3) << name_of(cost) << ' ' << k;
      EXPECT_EQ(results.lower_bound[k], 0);
      const auto plan = solved.plan(static_cast<std::int32_t>(k), 0);
      const std::size_t n = orders[k].size();
      int right = 0;
      for (std::size_t j = 0; j < n; ++j)
        right += plan[orders[k][j] * n + j] * static_cast<double>(n) > 0.5;
      EXPECT_GE(right, static_cast<int>(n) * 8 / 10) << name_of(cost) << ' ' << k;
    }
  }
}

/// Between Gaussians the best Gaussian plan has a closed form (Delon, Desolneux & Salmona 2022,
/// theorem 4.1), which no optimum exceeds; with its own lower bound.
TEST(GromovWasserstein, GaussiansByTheirClosedForm) {
  Random random(4);
  const auto normal = [&] {
    return std::sqrt(-2 * std::log(1 - random.uniform())) *
           std::cos(6.283185307179586 * random.uniform());
  };
  Problems problems(SquaredEuclideanCost{}, 2, 0.02);
  const double x[] = {1.5, 0.6}, y[] = {1.1, 0.3};  // standard deviations
  const int n = 600;
  Space from, to;
  for (int i = 0; i < n; ++i) {
    from.weights.push_back(1.0 / n);
    to.weights.push_back(1.0 / n);
    from.points.insert(from.points.end(), {x[0] * normal(), x[1] * normal()});
    to.points.insert(to.points.end(), {y[1] * normal(), y[0] * normal()});
  }
  problems.settings.threshold = 1e-5;
  problems.add(from, to);
  const auto results = problems.solved().results();
  const auto square = [](double value) { return value * value; };
  double trace = 0, squares = 0;
  for (int c = 0; c < 2; ++c) {
    trace += square(x[c]) - square(y[c]);
    squares += square(square(x[c]) - square(y[c]));
  }
  const double gaussian = 4 * square(trace) + 8 * squares;
  EXPECT_NEAR(results.cost[0], gaussian, 0.12 * gaussian);
  EXPECT_LE(results.lower_bound[0], results.cost[0]);
  EXPECT_GT(results.lower_bound[0], 0.2 * gaussian);
}

/// With features alone, nearly, it is linear transport of these; with none, the features do
/// nothing.
TEST(GromovWasserstein, FusedProblems) {
  Random random(5);
  Problems fused(EuclideanCost{}, 3, 1e-4);
  fused.kind.features = 1;
  fused.settings.alpha = 1e-6;
  for (int k = 0; k < 3; ++k) fused.add(random_space(random, 7, 3), random_space(random, 9, 3));
  const auto near_linear = fused.solved().results();
  for (std::size_t k = 0; k < 3; ++k) {
    const Space &x = fused.sources[k], &y = fused.targets[k];
    Row matrix;
    for (std::size_t i = 0; i < 7; ++i)
      for (std::size_t j = 0; j < 9; ++j)
        matrix.push_back(fused.feature_cost(x.points, i, y.points, j));
    test::DenseProblem linear{7, 9, x.weights, y.weights, matrix, 0};
    const double exact = test::exact_cost(linear);
    EXPECT_NEAR(near_linear.cost[k], exact, 2e-3);
    EXPECT_LE(near_linear.lower_bound[k], exact + 1e-6);
    EXPECT_NEAR(near_linear.lower_bound[k], exact, 2e-3);
  }
  fused.settings.alpha = 0.5;
  fused.settings.epsilon = 0.02;
  const auto solved = fused.solved();
  const auto results = solved.results();
  for (std::size_t k = 0; k < 3; ++k) {
    const auto plan = solved.plan(static_cast<std::int32_t>(k), results.start[k]);
    EXPECT_NEAR(fused.cost_of(k, plan), results.cost[k], 1e-12);
  }
}

/// Points without weight, one point, equal points, masses of any size, tiny epsilon: figures are
/// numbers, costs are not negative, and what has no weight has no plan.
TEST(GromovWasserstein, EdgeCases) {
  Random random(6);
  for (const GroundCost& cost : costs())
    for (const double epsilon : {1.0, 1e-2, 1e-6}) {
      Problems problems(cost, 2, epsilon);
      problems.kind.starts = 2;
      Space zeros = random_space(random, 9, 2);
      zeros.weights[2] = zeros.weights[7] = 0;
      problems.add(zeros, random_space(random, 5, 2));
      problems.add({{1e6}, {1, 2}}, random_space(random, 5, 2));
      problems.add({{1e-6}, {1, 2}}, {{5}, {3, 4}});
      problems.add({{1, 2, 3}, {1, 1, 1, 1, 1, 1}}, random_space(random, 5, 2));
      problems.add(zeros, zeros);
      Space tiny = random_space(random, 6, 2);
      tiny.weights[0] = 1e-300;
      problems.add(tiny, zeros);
      const auto solved = problems.solved(60);
      const auto results = solved.results();
      for (std::size_t k = 0; k < problems.sources.size(); ++k) {
        const std::string of = name_of(cost) + std::string(", problem ") + std::to_string(k) +
                               ", epsilon " + std::to_string(epsilon);
        EXPECT_NE(results.status[k], static_cast<int>(Status::not_finite)) << of;
        EXPECT_GE(results.cost[k], 0) << of;
        EXPECT_LE(results.lower_bound[k], results.upper_bound[k]) << of;
        const auto plan = solved.plan(static_cast<std::int32_t>(k), results.start[k]);
        expect_plan(plan, problems.sources[k], problems.targets[k], of);
        EXPECT_NEAR(problems.cost_of(k, plan), results.cost[k], 1e-11) << of;
      }
    }
}

/// Interrupted and resumed, and beside other problems, a problem ends where it would have.
TEST(GromovWasserstein, GoesOnFromWhatWasSaved) {
  Random random(7);
  Problems problems(EuclideanCost{}, 2, 0.02);
  problems.kind.starts = 3;
  for (int k = 0; k < 4; ++k)
    problems.add(random_space(random, 12, 2), random_space(random, 15, 2));
  const auto whole = problems.solved().results();
  const auto begun = problems.begin();
  const std::vector<std::int32_t> all = {0, 1, 2, 3};
  begun.run(all, 3, nullptr);
  const auto resumed = problems.begin();
  for (const std::int32_t k : all) resumed.set_progress(k, begun.progress(k));
  resumed.run(all, 2000, nullptr);
  const auto results = resumed.results();
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(results.cost[k], whole.cost[k], 1e-10);
    EXPECT_EQ(results.lower_bound[k], whole.lower_bound[k]);
    EXPECT_EQ(results.start[k], whole.start[k]);
    EXPECT_EQ(results.status[k], whole.status[k]);
  }
}

/// Matrices of the costs lead where the points do; points of no weight are left out of both.
TEST(GromovWasserstein, CostsMayBeGiven) {
  Random random(9);
  Problems problems(EuclideanCost{}, 3, 0.05);
  problems.kind.features = 1;
  problems.kind.starts = 2;
  problems.settings.alpha = 0.7;
  for (int k = 0; k < 3; ++k) {
    problems.add(random_space(random, 11, 3), random_space(random, 14, 3));
    problems.sources.back().weights[static_cast<std::size_t>(k)] = 0;
  }
  const auto from_points = problems.solved().results();
  const auto take = [&](const std::vector<Space>& spaces, Row& features, Row& costs) {
    for (const Space& space : spaces) {
      const std::size_t n = space.weights.size();
      for (std::size_t i = 0; i < n; ++i) {
        features.push_back(space.points[3 * i + 2]);
        for (std::size_t l = 0; l < n; ++l) costs.push_back(problems.inner(space.points, i, l));
      }
    }
  };
  Row x, d, y, e;
  take(problems.sources, x, d);
  take(problems.targets, y, e);
  const Problems::Table from(problems.sources), to(problems.targets);
  auto kind = problems.kind;
  kind.cost = std::nullopt;
  kind.coordinates = 1;
  const std::vector<std::int32_t> index = {0, 1, 2};
  const std::vector<std::int64_t> streams = {0, 1, 2};
  const GromovWassersteinProblems given(kind, problems.settings, {from.weights, x, from.offsets, d},
                                        {to.weights, y, to.offsets, e}, index, index, streams);
  given.run(index, 2000, nullptr);
  const auto results = given.results();
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(results.status[k], static_cast<int>(Status::converged));
    EXPECT_NEAR(results.cost[k], from_points.cost[k], 1e-9);
    EXPECT_NEAR(results.lower_bound[k], from_points.lower_bound[k], 1e-9);
    EXPECT_EQ(results.start[k], from_points.start[k]);
  }
  EXPECT_THROW(
      GromovWassersteinProblems(kind, problems.settings, {from.weights, x, from.offsets, x},
                                {to.weights, y, to.offsets, e}, index, index, streams),
      std::invalid_argument);
}

/// Ended while epsilon still falls, or before the first iteration, plans are those of that epsilon.
TEST(GromovWasserstein, EarlyPlansMissLittle) {
  Random random(10);
  Problems problems(EuclideanCost{}, 2, 1e-3);
  problems.kind.starts = 2;
  for (int k = 0; k < 3; ++k)
    problems.add(random_space(random, 20, 2), random_space(random, 25, 2));
  for (const int limit : {0, 1, 2, 3}) {
    const auto results = problems.solved(limit).results();
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_LT(results.marginal_error[k], 0.1) << limit;
      EXPECT_EQ(results.status[k], static_cast<int>(Status::iteration_limit)) << limit;
      EXPECT_GE(results.upper_bound[k], results.lower_bound[k]);
    }
  }
}

TEST(GromovWasserstein, RefusesWhatDoesNotFit) {
  Random random(8);
  Problems problems(EuclideanCost{}, 2, 0.02);
  problems.add({{0, 0}, {1, 2, 3, 4}}, random_space(random, 3, 2));
  EXPECT_THROW(problems.begin(), std::invalid_argument);
  problems.sources[0].weights = {1, 0};
  EXPECT_NO_THROW(problems.begin());
  problems.settings.epsilon = 1e-30;
  EXPECT_THROW(problems.solved(), std::invalid_argument);
  problems.settings.epsilon = 0.02;
  problems.kind.features = 2;
  EXPECT_THROW(problems.begin(), std::invalid_argument);
  problems.kind.features = 1;
  problems.kind.cost = CosineCost{};
  problems.sources[0].points = {0, 2, 3, 4};  // a place of length 0
  EXPECT_THROW(problems.begin(), std::invalid_argument);
  problems.kind.cost = EuclideanCost{};
  problems.settings.alpha = 0.5;
  problems.sources[0].points = {0, 1e30, 3, 4};
  EXPECT_THROW(problems.begin(), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels
