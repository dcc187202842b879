#include "kernels/solvers/barycenter/barycenter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "kernels/problems/status.hpp"
#include "tests/kernels/test_space.hpp"

namespace otfleet::kernels {
namespace {

using Numbers = std::vector<double>;

/// Barycenter problems in host arrays.
struct Problems {
  int n = 0, m = 0;
  Numbers cost;  ///< [n, m]
  std::vector<Numbers> measures;
  std::vector<std::vector<int>> index;  ///< of each problem
  std::vector<Numbers> weight;
};

struct Answer {
  std::vector<Numbers> barycenter, f;
  Numbers dual_value, mass, residual;
  std::vector<int> iterations, status;
};

BarycenterBatch<Space> on_device(const Problems& problems) {
  BarycenterBatch<Space> batch;
  const Matrix<double, Space> weights("otfleet::test::weights", problems.measures.size(),
                                      problems.m);
  const auto host = Kokkos::create_mirror_view(weights);
  for (std::size_t s = 0; s < problems.measures.size(); ++s)
    for (int j = 0; j < problems.m; ++j) host(s, j) = problems.measures[s][j];
  Kokkos::deep_copy(weights, host);
  batch.measures = Measures<Space>(Space(), weights);
  batch.offsets = {0};
  std::vector<int> index;
  Numbers weight;
  for (std::size_t k = 0; k < problems.index.size(); ++k) {
    index.insert(index.end(), problems.index[k].begin(), problems.index[k].end());
    weight.insert(weight.end(), problems.weight[k].begin(), problems.weight[k].end());
    batch.offsets.push_back(static_cast<std::int64_t>(index.size()));
  }
  const Vector<int, Space> device_index("otfleet::test::index", index.size());
  const Vector<double, Space> device_weight("otfleet::test::weight", index.size());
  const auto host_index = Kokkos::create_mirror_view(device_index);
  const auto host_weight = Kokkos::create_mirror_view(device_weight);
  for (std::size_t k = 0; k < index.size(); ++k) {
    host_index(k) = index[k];
    host_weight(k) = weight[k];
  }
  Kokkos::deep_copy(device_index, host_index);
  Kokkos::deep_copy(device_weight, host_weight);
  batch.index = device_index;
  batch.weight = device_weight;
  return batch;
}

template <class View>
std::vector<Numbers> rows_of(const View& view) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  std::vector<Numbers> rows(host.extent(0));
  for (std::size_t k = 0; k < host.extent(0); ++k)
    for (std::size_t i = 0; i < host.extent(1); ++i) rows[k].push_back(host(k, i));
  return rows;
}
template <class View>
auto values_of(const View& view) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return std::vector<typename View::non_const_value_type>(host.data(), host.data() + host.size());
}

Answer answer_of(const BarycenterSolution<Space>& solution) {
  return {rows_of(solution.barycenter),   rows_of(solution.f),
          values_of(solution.dual_value), values_of(solution.mass),
          values_of(solution.residual),   values_of(solution.iterations),
          values_of(solution.status)};
}

Answer solve(const Problems& problems, const SeparableCost& cost,
             const BarycenterSettings& settings) {
  const auto batch = on_device(problems);
  const BarycenterSolution<Space> solution(batch.size(), problems.n, batch.offsets.back());
  solve_barycenters(Space(), cost, batch, settings, solution);
  return answer_of(solution);
}
Answer solve(const Problems& problems, const BarycenterSettings& settings) {
  return solve(problems, SeparableCost::dense(problems.n, problems.m, problems.cost), settings);
}

/// log sum_j exp(x_j). Terms that rounding would lose are left out, since std::exp takes most of
/// the time of a reference.
double log_sum_exp(const Numbers& x) {
  if (x.empty()) return -std::numeric_limits<double>::infinity();
  const auto largest = std::max_element(x.begin(), x.end());
  if (!std::isfinite(*largest)) return *largest;
  double others = 0;
  for (auto value = x.begin(); value != x.end(); ++value)
    if (value != largest && *value - *largest > -40) others += std::exp(*value - *largest);
  return others > 0 ? *largest + std::log1p(others) : *largest;
}

/// The same by plain iterations with logarithms throughout; many of them.
Numbers reference(const Problems& problems, std::size_t k, const BarycenterSettings& settings,
                  int iterations) {
  const int n = problems.n, m = problems.m;
  const auto& index = problems.index[k];
  const double total = std::accumulate(problems.weight[k].begin(), problems.weight[k].end(), 0.0);
  const auto mass = [&](int s) {
    return std::accumulate(problems.measures[s].begin(), problems.measures[s].end(), 0.0);
  };
  std::vector<Numbers> log_u(index.size(), Numbers(n, 0.0)), log_y = log_u;
  Numbers log_p(n), log_d(n, 0.0);
  for (int t = 0; t < iterations; ++t) {
    for (std::size_t s = 0; s < index.size(); ++s) {
      const double scale = settings.tau < 1 ? 1.0 : mass(index[0]) / mass(index[s]);
      Numbers log_v(m), terms;
      for (int j = 0; j < m; ++j) {
        terms.clear();
        for (int i = 0; i < n; ++i)
          terms.push_back(log_u[s][i] - problems.cost[i * m + j] / settings.epsilon);
        const double b = scale * problems.measures[index[s]][j];
        log_v[j] = b > 0 ? settings.tau * (std::log(b) - log_sum_exp(terms))
                         : -std::numeric_limits<double>::infinity();
      }
      for (int i = 0; i < n; ++i) {
        terms.clear();
        for (int j = 0; j < m; ++j)
          terms.push_back(log_v[j] - problems.cost[i * m + j] / settings.epsilon);
        log_y[s][i] = log_sum_exp(terms);
      }
    }
    for (int i = 0; i < n; ++i) {
      Numbers terms;
      log_p[i] = settings.debiased ? log_d[i] : 0.0;
      for (std::size_t s = 0; s < index.size(); ++s) {
        const double w = problems.weight[k][s] / total;
        if (settings.tau < 1)
          terms.push_back(std::log(w) + (1 - settings.tau) * log_y[s][i]);
        else
          log_p[i] += w * log_y[s][i];
      }
      if (settings.tau < 1) log_p[i] = log_sum_exp(terms) / (1 - settings.tau);
      for (std::size_t s = 0; s < index.size(); ++s)
        log_u[s][i] = settings.tau * (log_p[i] - log_y[s][i]);
    }
    if (!settings.debiased) continue;
    Numbers next(n);
    for (int i = 0; i < n; ++i) {
      Numbers terms;
      for (int j = 0; j < n; ++j)
        terms.push_back(log_d[j] - problems.cost[i * m + j] / settings.epsilon);
      next[i] = 0.5 * (log_d[i] + log_p[i] - log_sum_exp(terms));
    }
    log_d = next;
  }
  for (double& value : log_p) value = std::exp(value);
  return log_p;
}

double distance(const Numbers& x, const Numbers& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += std::abs(x[i] - y[i]);
  return sum;
}

/// Ragged problems over random measures, of which some points have no weight.
Problems random_problems(int n, int m, int measures, const std::vector<int>& sizes, int seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  Problems problems;
  problems.n = n;
  problems.m = m;
  for (int e = 0; e < n * m; ++e) problems.cost.push_back(uniform(random));
  for (int s = 0; s < measures; ++s) {
    Numbers weights(m);
    for (double& w : weights) w = uniform(random) < 0.3 ? 0 : uniform(random);
    weights[s % m] += 0.1;
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& w : weights) w /= sum;
    problems.measures.push_back(weights);
  }
  for (const int size : sizes) {
    std::vector<int> index;
    Numbers weight;
    for (int s = 0; s < size; ++s) {
      index.push_back(static_cast<int>(random() % measures));
      weight.push_back(0.1 + uniform(random));
    }
    problems.index.push_back(index);
    problems.weight.push_back(weight);
  }
  return problems;
}

/// |x_i − x_j|² on a line, over `divisor`.
Numbers squared_distances(int n, double divisor) {
  Numbers cost;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) cost.push_back((i - j) * (i - j) / divisor);
  return cost;
}

/// Fifteen bins, two Gaussians of standard deviation 2.
Problems two_gaussians() {
  Problems problems;
  problems.n = problems.m = 15;
  problems.cost = squared_distances(15, 14 * 14);
  for (const double mean : {4.0, 10.0}) {
    Numbers weights;
    for (int i = 0; i < 15; ++i) weights.push_back(std::exp(-(i - mean) * (i - mean) / 8));
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& w : weights) w /= sum;
    problems.measures.push_back(weights);
  }
  problems.index = {{0, 1}};
  problems.weight = {{0.3, 0.7}};
  return problems;
}

TEST(Barycenter, TwoGaussiansOnFifteenBins) {
  for (const auto& [epsilon, mean, deviation] :
       {std::tuple{1e-2, 8.174, 2.162}, std::tuple{1e-3, 8.047, 1.947}}) {
    BarycenterSettings settings;
    settings.epsilon = epsilon;
    settings.threshold = 1e-9;
    settings.max_iterations = 100000;
    const auto found = solve(two_gaussians(), settings);
    EXPECT_EQ(found.status[0], static_cast<int>(Status::converged));
    EXPECT_LE(found.residual[0], 1e-9);
    EXPECT_NEAR(found.mass[0], 1, 1e-9);
    double first = 0, second = 0;
    for (int i = 0; i < 15; ++i) {
      first += i * found.barycenter[0][i];
      second += i * i * found.barycenter[0][i];
    }
    EXPECT_NEAR(first, mean, 6e-4);
    EXPECT_NEAR(std::sqrt(second - first * first), deviation, 6e-4);
  }
}

TEST(Barycenter, RaggedProblemsAreThoseOfTheReference) {
  // More measures than lanes, and fewer.
  const auto problems = random_problems(9, 7, 40, {1, 3, 40, 17, 2}, 5);
  for (const double tau : {1.0, 0.9, 0.5})
    for (const double epsilon : {0.3, 0.02, 1e-3}) {
      BarycenterSettings settings;
      settings.epsilon = epsilon;
      settings.threshold = 1e-10;
      settings.max_iterations = 200000;
      settings.tau = tau;
      std::vector<Numbers> expected;  // momentum or not
      expected.reserve(problems.index.size());
      for (std::size_t k = 0; k < problems.index.size(); ++k)
        expected.push_back(reference(problems, k, settings, epsilon < 0.01 ? 20000 : 2000));
      for (const bool momentum : {false, true}) {
        settings.momentum = momentum;
        const auto found = solve(problems, settings);
        for (std::size_t k = 0; k < problems.index.size(); ++k) {
          EXPECT_EQ(found.status[k], static_cast<int>(Status::converged));
          EXPECT_LT(distance(found.barycenter[k], expected[k]), epsilon < 0.01 ? 1e-4 : 1e-7)
              << "problem " << k << " tau " << tau << " epsilon " << epsilon;
          double mass = 0;
          for (const double p : found.barycenter[k]) mass += p;
          EXPECT_NEAR(found.mass[k], mass, 1e-12);
        }
      }
    }
}

TEST(Barycenter, OneMeasureOfManyIsSolvedAsAlone) {
  const auto all = random_problems(9, 9, 30, {3, 20, 5}, 9);
  BarycenterSettings settings;
  settings.epsilon = 0.05;
  const auto together = solve(all, settings);
  for (std::size_t k = 0; k < 3; ++k) {
    Problems one = all;
    one.index = {all.index[k]};
    one.weight = {all.weight[k]};
    const auto alone = solve(one, settings);
    EXPECT_EQ(alone.barycenter[0], together.barycenter[k]);
    EXPECT_EQ(alone.iterations[0], together.iterations[k]);
    EXPECT_EQ(alone.dual_value[0], together.dual_value[k]);
  }
}

TEST(Barycenter, TheDualValueIsThatOfThePlans) {
  const auto problems = random_problems(8, 6, 10, {4}, 3);
  BarycenterSettings settings;
  settings.epsilon = 0.1;
  settings.threshold = 1e-12;
  settings.max_iterations = 100000;
  const auto found = solve(problems, settings);
  const double total = std::accumulate(problems.weight[0].begin(), problems.weight[0].end(), 0.0);
  double value = 0;
  Numbers sum(8, 0.0);
  for (std::size_t s = 0; s < 4; ++s) {
    const auto& b = problems.measures[problems.index[0][s]];
    const double w = problems.weight[0][s] / total;
    for (int i = 0; i < 8; ++i) sum[i] += w * found.f[s][i];
    for (int j = 0; j < 6; ++j) {
      if (!(b[j] > 0)) continue;
      Numbers terms;
      for (int i = 0; i < 8; ++i)
        terms.push_back((found.f[s][i] - problems.cost[i * 6 + j]) / settings.epsilon);
      const double log_v = std::log(b[j]) - log_sum_exp(terms);
      for (int i = 0; i < 8; ++i) {
        const double log_plan = terms[i] + log_v, plan = std::exp(log_plan);
        value += w * plan * (problems.cost[i * 6 + j] + settings.epsilon * log_plan);
      }
    }
  }
  EXPECT_NEAR(found.dual_value[0], value, 1e-9);
  for (const double one : sum) EXPECT_NEAR(one, 0, 1e-12);
}

TEST(Barycenter, DebiasedBarycenterOfDiracsIsADirac) {
  // On a grid of 20 x 20 points, between two corners of a square.
  Numbers axis;
  for (int i = 0; i < 20; ++i) axis.push_back(i / 19.0);
  const auto cost = SeparableCost::squared_euclidean_grid({axis, axis});
  Problems problems;
  problems.n = problems.m = 400;
  problems.measures.assign(2, Numbers(400, 0.0));
  problems.measures[0][4 * 20 + 6] = problems.measures[1][12 * 20 + 16] = 1;
  problems.index = {{0, 1}};
  problems.weight = {{1, 1}};
  BarycenterSettings settings;
  settings.epsilon = 2e-3;
  settings.threshold = 1e-4;
  settings.max_iterations = 100000;
  settings.debiased = true;
  const auto found = solve(problems, cost, settings);
  EXPECT_EQ(found.status[0], static_cast<int>(Status::converged));
  EXPECT_NEAR(found.mass[0], 1, 1e-3);
  EXPECT_GT(found.barycenter[0][8 * 20 + 11], 0.99);
  // And blurred without it.
  settings.debiased = false;
  EXPECT_LT(solve(problems, cost, settings).barycenter[0][8 * 20 + 11], 0.5);
}

TEST(Barycenter, DebiasedProblemsAreThoseOfTheReference) {
  auto problems = random_problems(12, 12, 6, {4, 2}, 17);
  problems.cost = squared_distances(12, 11 * 11);
  for (const double epsilon : {0.3, 0.03}) {
    BarycenterSettings settings;
    settings.epsilon = epsilon;
    settings.debiased = true;
    settings.momentum = false;
    settings.threshold = 1e-12;
    settings.max_iterations = 300;
    const auto found = solve(problems, settings);
    for (std::size_t k = 0; k < 2; ++k)
      EXPECT_LT(
          distance(found.barycenter[k], reference(problems, k, settings, found.iterations[k] + 1)),
          1e-9);
  }
}

TEST(Barycenter, MomentumTakesFewerIterations) {
  BarycenterSettings settings;
  settings.epsilon = 1e-3;
  settings.threshold = 1e-6;
  settings.max_iterations = 200000;
  const auto fast = solve(two_gaussians(), settings);
  settings.momentum = false;
  const auto plain = solve(two_gaussians(), settings);
  EXPECT_LT(3 * fast.iterations[0], plain.iterations[0]);
  EXPECT_LT(distance(fast.barycenter[0], plain.barycenter[0]), 1e-3);
}

TEST(Barycenter, MomentumHalvesTheIterationsOfDebiasedOnes) {
  std::vector<double> axis;
  for (int i = 0; i < 12; ++i) axis.push_back(i / 11.0);
  const auto cost = SeparableCost::squared_euclidean_grid({axis, axis});
  auto problems = random_problems(144, 144, 20, {4, 17}, 11);
  BarycenterSettings settings;
  settings.epsilon = 0.01;
  settings.debiased = true;
  settings.threshold = 1e-5;
  settings.max_iterations = 20000;
  const auto fast = solve(problems, cost, settings);
  settings.momentum = false;
  settings.threshold = 1e-6;
  const auto plain = solve(problems, cost, settings);
  settings.threshold = 1e-5;
  const auto as_far = solve(problems, cost, settings);
  for (int k = 0; k < 2; ++k) {
    EXPECT_EQ(fast.status[k], static_cast<int>(Status::converged));
    EXPECT_LT(fast.iterations[k], 0.7 * as_far.iterations[k]);
    EXPECT_LT(distance(fast.barycenter[k], plain.barycenter[k]), 0.02);
  }
}

TEST(Barycenter, GoesOnFromAnUnfinishedSolution) {
  const auto problems = random_problems(9, 9, 30, {3, 20}, 9);
  const auto cost = SeparableCost::dense(9, 9, problems.cost);
  const auto batch = on_device(problems);
  const BarycenterSolution<Space> solution(2, 9, batch.offsets.back());
  BarycenterSettings settings;
  settings.epsilon = 0.01;
  settings.threshold = 1e-9;
  settings.momentum = false;
  settings.max_iterations = 40;
  solve_barycenters(Space(), cost, batch, settings, solution);
  const auto before = answer_of(solution);
  EXPECT_EQ(before.status[0], static_cast<int>(Status::iteration_limit));
  settings.from_solution = true;
  settings.max_iterations = 0;
  solve_barycenters(Space(), cost, batch, settings, solution);
  const auto same = answer_of(solution);
  for (int k = 0; k < 2; ++k) EXPECT_NEAR(same.residual[k], before.residual[k], 1e-10);
  settings.max_iterations = 100000;
  solve_barycenters(Space(), cost, batch, settings, solution);
  settings.from_solution = false;
  const auto whole = solve(problems, settings);
  const auto resumed = answer_of(solution);
  for (int k = 0; k < 2; ++k) {
    EXPECT_EQ(resumed.status[k], 0);
    EXPECT_NEAR(whole.iterations[k], 40 + resumed.iterations[k], 2);
    EXPECT_LT(distance(resumed.barycenter[k], whole.barycenter[k]), 1e-7);
  }
}

TEST(Barycenter, DebiasedOnesGoOnFromTheirBlur) {
  auto problems = random_problems(12, 12, 6, {4, 2}, 17);
  problems.cost = squared_distances(12, 11 * 11);
  const auto cost = SeparableCost::dense(12, 12, problems.cost);
  const auto batch = on_device(problems);
  const BarycenterSolution<Space> solution(2, 12, batch.offsets.back());
  BarycenterSettings settings;
  settings.epsilon = 0.03;
  settings.debiased = true;
  settings.momentum = false;
  settings.threshold = 1e-300;
  settings.max_iterations = 30;
  settings.from_solution = true;  // of zeros: as without
  solve_barycenters(Space(), cost, batch, settings, solution);
  settings.max_iterations = 20;
  solve_barycenters(Space(), cost, batch, settings, solution);
  settings.from_solution = false;
  settings.max_iterations = 50;
  const auto whole = solve(problems, settings);
  const auto resumed = answer_of(solution);
  for (int k = 0; k < 2; ++k) {
    EXPECT_LT(distance(resumed.barycenter[k], whole.barycenter[k]), 1e-13);
    EXPECT_NEAR(resumed.residual[k], whole.residual[k], 1e-13);
  }
}

TEST(Barycenter, MassesAreThoseOfTheMeasures) {
  auto problems = random_problems(9, 9, 5, {5}, 2);
  BarycenterSettings settings;
  settings.epsilon = 0.05;
  settings.threshold = 1e-10;
  settings.max_iterations = 10000;
  for (const double tau : {1.0, 0.8}) {
    settings.tau = tau;
    const auto unit = solve(problems, settings);
    for (const double mass : {1e-30, 7.0, 1e200}) {
      auto heavy = problems;
      for (auto& measure : heavy.measures)
        for (double& w : measure) w *= mass;
      const auto found = solve(heavy, settings);
      for (int i = 0; i < 9; ++i)
        EXPECT_NEAR(found.barycenter[0][i] / mass, unit.barycenter[0][i], 1e-9);
      EXPECT_NEAR(found.iterations[0], unit.iterations[0], 10);
    }
  }
}

TEST(Barycenter, RefusesWhatItCannotSolve) {
  const auto good = random_problems(4, 4, 3, {2}, 1);
  BarycenterSettings settings;
  const auto refused = [&](const Problems& problems, const BarycenterSettings& with) {
    EXPECT_THROW(solve(problems, with), std::invalid_argument);
  };
  auto bad = good;
  bad.weight = {{-1, 2}};
  refused(bad, settings);
  bad.weight = {{0, 0}};
  refused(bad, settings);
  bad = good;
  bad.index = {{0, 3}};
  refused(bad, settings);
  bad.index = {{}};
  bad.weight = {{}};
  refused(bad, settings);
  auto wrong = settings;
  wrong.tau = 0;
  refused(good, wrong);
  wrong = settings;
  wrong.debiased = true;  // the cost is not symmetric
  refused(good, wrong);
  wrong = settings;
  wrong.epsilon = 0;
  refused(good, wrong);
}

}  // namespace
}  // namespace otfleet::kernels
