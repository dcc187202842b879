#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "jobs/benchmarks/times_balanced.hpp"
#include "kernels/counter_random.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "kernels/solvers/unbalanced/unbalanced.hpp"

// Seconds per Sinkhorn iteration on clouds of points, whose costs are computed on the fly, and
// pairs per second: an iteration looks at every pair twice. A fixed number of iterations, so that
// figures compare across machines and versions; arguments are the number of points on either side
// and their dimension. many_… solve a population of two million pairs in small problems. All
// kernels fence before they return.

namespace otfleet::kernels {
namespace {

using Space = Kokkos::DefaultExecutionSpace;

Matrix<double, Space> make_points(int count, int dimension, int stream, bool unit) {
  const otfleet::kernels::CounterRandom random(11, stream);
  const Matrix<double, Space> points("otfleet::benchmark::points", count, dimension);
  const auto host = Kokkos::create_mirror_view(points);
  for (int i = 0; i < count; ++i) {
    double norm = 0;
    for (int k = 0; k < dimension; ++k) {
      const auto at = static_cast<std::uint64_t>(i) * dimension + k;
      // All costs are of the size 1, whatever the dimension.
      host(i, k) = (random.uniform(at) - 0.5) / std::sqrt(dimension);
      norm += host(i, k) * host(i, k);
    }
    if (unit)
      for (int k = 0; k < dimension; ++k) host(i, k) /= std::sqrt(norm);
  }
  Kokkos::deep_copy(points, host);
  return points;
}

ProblemBatch<Space> make_problem(int points) {
  const Matrix<double, Space> weights("otfleet::benchmark::weights", 1, points);
  Kokkos::deep_copy(weights, 1.0 / points);
  const Measures<Space> measure(Space(), weights);
  const Vector<int, Space> index("otfleet::benchmark::index", 1);
  return {measure, measure, index, index};
}

void count(benchmark::State& state, double passes, double passes_per_iteration) {
  const double points = static_cast<double>(state.range(0));
  const double done = static_cast<double>(state.iterations()) * passes;
  state.counters["pairs_per_second"] =
      benchmark::Counter(done * points * points, benchmark::Counter::kIsRate);
  state.counters["seconds_per_iteration"] = benchmark::Counter(
      done / passes_per_iteration, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <class Scalar>
void solve(benchmark::State& state, const GroundCost& ground_cost) {
  const int points = static_cast<int>(state.range(0)), dimension = static_cast<int>(state.range(1));
  const bool unit =
      with_ground_cost(ground_cost, [](const auto& typed) { return typed.takes_directions; });
  const PointCloudCost<Space> cost(Space(), make_points(points, dimension, 0, unit),
                                   make_points(points, dimension, 1, unit), ground_cost);
  const auto problem = make_problem(points);
  SinkhornSettings settings;
  settings.epsilon = 0.05;
  settings.threshold = 1e-300;
  settings.max_iterations = points > 5000 ? 4 : 20;
  const Matrix<double, Space> f("otfleet::benchmark::f", 1, points);
  const Vector<int, Space> done("otfleet::benchmark::iterations", 1);
  const Vector<int, Space> status("otfleet::benchmark::status", 1);
  // One solution to start from: what is measured are passes that find their shifts close by.
  sinkhorn<Scalar, Space>(Space(), cost, problem, settings, true, f, done, status);
  for (auto _ : state) {
    sinkhorn<Scalar, Space>(Space(), cost, problem, settings, false, f, done, status);
    benchmark::DoNotOptimize(f.data());
  }
  // The first iteration also looks for shifts: two passes more.
  count(state, 2.0 * (settings.max_iterations + 2), 2);
}

void squared_float(benchmark::State& state) {
  solve<float>(state, SquaredEuclideanCost());
}
void squared_double(benchmark::State& state) {
  solve<double>(state, SquaredEuclideanCost());
}
void euclidean_float(benchmark::State& state) {
  solve<float>(state, EuclideanCost());
}
void power_float(benchmark::State& state) {
  solve<float>(state, PowerCost(1.5));
}
void great_circle_float(benchmark::State& state) {
  solve<float>(state, GreatCircleCost());
}

/// Two million pairs in problems of this many points a side, every measure with its own.
struct ManyClouds {
  int problems, points;
  CloudBatch<Space> batch;

  explicit ManyClouds(const benchmark::State& state)
      : problems(2'000'000 / static_cast<int>(state.range(0) * state.range(0))),
        points(static_cast<int>(state.range(0))) {
    const int dimension = static_cast<int>(state.range(1));
    const Vector<double, Space> weights("otfleet::benchmark::weights", problems * points);
    Kokkos::deep_copy(weights, 1.0 / points);
    std::vector<std::int64_t> offsets = {0};
    std::vector<int> index;
    for (int k = 0; k < problems; ++k) {
      offsets.push_back(offsets.back() + points);
      index.push_back(k);
    }
    const auto measures = [&](int stream) {
      return CloudMeasures<Space>(Space(), weights,
                                  make_points(problems * points, dimension, stream, false), offsets,
                                  SquaredEuclideanCost());
    };
    batch = {measures(0), measures(1), index, index};
  }
};
template <class Scalar>
void solve_many(benchmark::State& state) {
  const ManyClouds clouds(state);
  const int problems = clouds.problems, points = clouds.points;
  const auto& batch = clouds.batch;
  SinkhornSettings settings;
  settings.epsilon = 0.05;
  settings.threshold = 1e-300;
  settings.max_iterations = 20;
  const Vector<double, Space> f("otfleet::benchmark::f", problems * points);
  const Vector<int, Space> done("otfleet::benchmark::iterations", problems);
  const Vector<int, Space> status("otfleet::benchmark::status", problems);
  for (auto _ : state) {
    sinkhorn<Scalar, Space>(Space(), batch, settings, true, f, done, status);
    benchmark::DoNotOptimize(f.data());
  }
  // The first look at the error is an iteration's work.
  const double pairs = static_cast<double>(state.iterations()) * problems * points * points *
                       (settings.max_iterations + 1);
  state.counters["pairs_per_second"] = benchmark::Counter(2 * pairs, benchmark::Counter::kIsRate);
  state.counters["seconds_per_pair_and_iteration"] =
      benchmark::Counter(pairs, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
void many_float(benchmark::State& state) {
  solve_many<float>(state);
}
void many_double(benchmark::State& state) {
  solve_many<double>(state);
}

void unbalanced(benchmark::State& state, UnbalancedSettings settings) {
  const int points = static_cast<int>(state.range(0)), dimension = static_cast<int>(state.range(1));
  const PointCloudCost<Space> cost(Space(), make_points(points, dimension, 0, false),
                                   make_points(points, dimension, 1, false),
                                   SquaredEuclideanCost());
  const auto problem = make_problem(points);
  const Matrix<double, Space> f("otfleet::benchmark::f", 1, points);
  const Vector<int, Space> done("otfleet::benchmark::iterations", 1);
  const Vector<int, Space> status("otfleet::benchmark::status", 1);
  const UnbalancedSolution<Space> solution(1, points, points);
  settings.epsilon = 0.02;
  compare_with_balanced(
      state, 1, settings,
      [&](const SinkhornSettings& exact) {
        sinkhorn<double, Space>(Space(), cost, problem, exact, true, f, done, status);
        benchmark::DoNotOptimize(f.data());
      },
      [&](const UnbalancedSettings& penalties) {
        solve_unbalanced(Space(), cost, problem, penalties, solution);
        benchmark::DoNotOptimize(solution.f.data());
      });
}
void penalized(benchmark::State& state) {
  UnbalancedSettings settings;
  settings.tau_a = 0.9;
  settings.tau_b = 0.8;
  unbalanced(state, settings);
}
void share(benchmark::State& state) {
  UnbalancedSettings settings;
  settings.transported_share = 0.8;
  unbalanced(state, settings);
}

/// Two million pairs, as above.
void many_unbalanced(benchmark::State& state, UnbalancedSettings settings) {
  const ManyClouds clouds(state);
  const auto numbers = static_cast<std::size_t>(clouds.problems) * clouds.points;
  const Vector<double, Space> f("otfleet::benchmark::f", numbers);
  const Vector<int, Space> done("otfleet::benchmark::iterations", clouds.problems);
  const Vector<int, Space> status("otfleet::benchmark::status", clouds.problems);
  const CloudPotentials<Space> potentials{f,
                                          Vector<double, Space>("otfleet::benchmark::g", numbers)};
  const UnbalancedFigures<Space> figures(clouds.problems);
  settings.epsilon = 0.05;
  compare_with_balanced(
      state, clouds.problems, settings,
      [&](const SinkhornSettings& exact) {
        sinkhorn<double, Space>(Space(), clouds.batch, exact, true, f, done, status);
      },
      [&](const UnbalancedSettings& penalties) {
        solve_unbalanced(Space(), clouds.batch, penalties, potentials, figures);
      });
}
void many_penalized(benchmark::State& state) {
  UnbalancedSettings settings;
  settings.tau_a = 0.9;
  settings.tau_b = 0.8;
  many_unbalanced(state, settings);
}
void many_shares(benchmark::State& state) {
  UnbalancedSettings settings;
  settings.transported_share = 0.8;
  many_unbalanced(state, settings);
}

BENCHMARK(squared_float)
    ->Args({4096, 3})
    ->Args({4096, 64})
    ->Args({16384, 3})
    ->Args({16384, 64})
    ->UseRealTime();
BENCHMARK(squared_double)
    ->Args({4096, 3})
    ->Args({4096, 64})
    ->Args({16384, 3})
    ->Args({16384, 64})
    ->UseRealTime();
BENCHMARK(euclidean_float)->Args({4096, 3})->Args({4096, 64})->UseRealTime();
BENCHMARK(power_float)->Args({4096, 3})->UseRealTime();
BENCHMARK(great_circle_float)->Args({4096, 3})->UseRealTime();
BENCHMARK(penalized)->ArgsProduct({{100, 300, 1000}, {3, 64}})->UseRealTime();
BENCHMARK(share)->ArgsProduct({{100, 300, 1000}, {3}})->UseRealTime();
BENCHMARK(many_penalized)->ArgsProduct({{10, 20, 50, 100}, {2}})->UseRealTime();
BENCHMARK(many_shares)->ArgsProduct({{10, 20, 50, 100}, {2}})->UseRealTime();
BENCHMARK(many_float)->ArgsProduct({{10, 20, 50, 100, 500}, {2}})->UseRealTime();
BENCHMARK(many_double)->ArgsProduct({{10, 20, 50, 100, 500}, {2}})->UseRealTime();

}  // namespace
}  // namespace otfleet::kernels
