#pragma once
#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/free_support/free_support.hpp"
#include "tests/kernels/cloud_measures.hpp"
#include "tests/kernels/reference.hpp"

// Barycenter problems with free support in host arrays, solved by kernels and by nested loops.

namespace otfleet::kernels::test {

/// Problems in host arrays; all barycenters have as many points.
struct FreeSupportProblems {
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

inline FreeSupportBatch<Space> batch_of(const FreeSupportProblems& problems) {
  FreeSupportBatch<Space> batch;
  batch.measures = on_device(HostMeasures{SquaredEuclideanCost{}}, problems.measures);
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

  explicit OnDevice(const FreeSupportProblems& problems)
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
    answer.f = split(on_host(supports.f), batch.potential_offsets());
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), potentials);
    for (std::size_t t = 0; t < host.extent(0); ++t)
      answer.potentials.emplace_back(&host(t, 0), &host(t, 0) + n);
    return answer;
  }
};

inline Answer solve(const FreeSupportProblems& problems, const FreeSupportSettings& settings) {
  OnDevice on_device(problems);
  on_device.solve(settings);
  return on_device.answer(settings.epsilon);
}

inline FreeSupportSettings exact_settings(double epsilon) {
  FreeSupportSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = 1e-10;
  settings.max_iterations = 200000;
  settings.point_threshold = 1e-8;
  settings.max_moves = 5000;
  return settings;
}

inline Row equal_weights(std::size_t count) {
  return Row(count, 1.0 / static_cast<double>(count));
}

inline Rows random_points(std::mt19937& random, std::size_t count, std::size_t dimension) {
  std::normal_distribution<double> normal;
  Rows points(count, Row(dimension));
  for (auto& point : points)
    for (double& x : point) x = normal(random);
  return points;
}

/// Ragged problems over random clouds, of which some points have no weight.
inline FreeSupportProblems random_problems(std::size_t n, std::size_t dimension, int measures,
                                           const std::vector<int>& sizes, unsigned seed,
                                           int most_points = 12) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  FreeSupportProblems problems;
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
inline DenseProblem transport(const HostMeasure& measure, const Rows& points, const Row& weights,
                              double epsilon) {
  DenseProblem problem;
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
inline Rows reference(const FreeSupportProblems& problems, std::size_t k, double epsilon, int moves,
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
      f[t] = solve_reference(problem, f[t], 1e-11, 1, 100000).f;
      const double w = problems.weight[k][t] / total;
      const auto mass = plan(problem, f[t], half_step(problem, f[t]));
      for (int j = 0; j < problem.m; ++j)
        for (int i = 0; i < problem.n; ++i)
          for (std::size_t c = 0; c < next[0].size(); ++c)
            next[j][c] += w * mass[i * problem.m + j] / problem.b[j] * measure.points[i][c];
      if (value != nullptr) *value += w * dual_value(problem, f[t]);
    }
    points = next;
  }
  return points;
}

inline double distance(const Rows& x, const Rows& y) {
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t c = 0; c < x[i].size(); ++c)
      largest = std::max(largest, std::abs(x[i][c] - y[i][c]));
  return largest;
}

}  // namespace otfleet::kernels::test
