#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "jobs/benchmarks/times_balanced.hpp"
#include "kernels/counter_random.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "kernels/solvers/unbalanced/unbalanced.hpp"

// Seconds per Sinkhorn iteration and instance on the 28 × 28 grid, and of what surrounds it. Every
// case runs a fixed number of iterations, so that figures compare across machines and versions;
// arguments are the batch size and 1000 × epsilon. All kernels fence before they return.

namespace otfleet::kernels {
namespace {

using Space = Kokkos::DefaultExecutionSpace;

constexpr int side = 28, points = side * side, measures = 64, iterations = 20;

SeparableCost grid_cost() {
  std::vector<double> axis;
  for (int i = 0; i < side; ++i) axis.push_back(i / (side - 1.0));
  return SeparableCost::squared_euclidean_grid({axis, axis});
}

SeparableCost dense_cost() {
  std::vector<double> values;
  for (int i = 0; i < points; ++i)
    for (int j = 0; j < points; ++j) {
      const double down = (i / side - j / side) / (side - 1.0);
      const double right = (i % side - j % side) / (side - 1.0);
      values.push_back(down * down + right * right);
    }
  return SeparableCost::dense(points, points, values);
}

/// Like digits: about 150 of the points in the middle 20 × 20 carry mass.
ProblemBatch<Space> make_problems(int batch) {
  const otfleet::kernels::CounterRandom random(7, 0);
  Matrix<double, Space> weights("otfleet::benchmark::weights", measures, points);
  const auto host = Kokkos::create_mirror_view(weights);
  for (int k = 0; k < measures; ++k)
    for (int i = 0; i < points; ++i) {
      const bool inside = i / side >= 4 && i / side < 24 && i % side >= 4 && i % side < 24;
      const double draw = random.uniform(static_cast<std::uint64_t>(k) * points + i);
      host(k, i) = inside && draw < 0.4 ? (0.1 + draw) / 50 : 0.0;
    }
  Kokkos::deep_copy(weights, host);
  Vector<int, Space> source("otfleet::benchmark::source", batch);
  Vector<int, Space> target("otfleet::benchmark::target", batch);
  const auto from = Kokkos::create_mirror_view(source), to = Kokkos::create_mirror_view(target);
  for (int k = 0; k < batch; ++k) {
    from(k) = k % measures;
    to(k) = (k * 7 + 3) % measures;
  }
  Kokkos::deep_copy(source, from);
  Kokkos::deep_copy(target, to);
  const Measures<Space> all(Space(), weights);
  return {all, all, source, target};
}

void count(benchmark::State& state, double applications, double flops_per_application) {
  const double instances =
      static_cast<double>(state.iterations()) * static_cast<double>(state.range(0));
  state.counters["instances_per_second"] =
      benchmark::Counter(instances, benchmark::Counter::kIsRate);
  state.counters["microseconds_per_iteration"] =
      benchmark::Counter(instances * applications / 2 * 1e-6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["flops"] = benchmark::Counter(instances * applications * flops_per_application,
                                               benchmark::Counter::kIsRate);
}

template <class Scalar>
void solve(benchmark::State& state, const SeparableCost& cost, Path path, double flops) {
  const int batch = static_cast<int>(state.range(0));
  const auto problems = make_problems(batch);
  SinkhornSettings settings;
  settings.epsilon = static_cast<double>(state.range(1)) * 1e-3;
  settings.threshold = 1e-300;
  settings.max_iterations = iterations;
  settings.path = path;
  const Matrix<double, Space> f("otfleet::benchmark::f", batch, points);
  const Vector<int, Space> done("otfleet::benchmark::iterations", batch);
  const Vector<int, Space> status("otfleet::benchmark::status", batch);
  for (auto _ : state) {
    sinkhorn<Scalar, Space>(Space(), cost, problems, settings, true, f, done, status);
    benchmark::DoNotOptimize(f.data());
  }
  count(state, 2.0 * (iterations + 1), flops);
}

constexpr double grid_flops = 2.0 * points * 2 * side, dense_flops = 2.0 * points * points;

void grid_double(benchmark::State& state) {
  solve<double>(state, grid_cost(), Path::automatic, grid_flops);
}
void grid_float(benchmark::State& state) {
  solve<float>(state, grid_cost(), Path::automatic, grid_flops);
}
void grid_double_extended(benchmark::State& state) {
  solve<double>(state, grid_cost(), Path::extended, grid_flops);
}
void dense_double(benchmark::State& state) {
  solve<double>(state, dense_cost(), Path::automatic, dense_flops);
}

/// Squared distances between random points of the unit square, stored.
SeparableCost random_dense_cost(int n, int m) {
  const otfleet::kernels::CounterRandom random(13, 0);
  const auto at = [&](int point, int k) {
    return random.uniform(static_cast<std::uint64_t>(2 * point + k));
  };
  std::vector<double> values;
  for (int i = 0; i < n; ++i)
    for (int j = n; j < n + m; ++j) {
      const double down = at(i, 0) - at(j, 0), right = at(i, 1) - at(j, 1);
      values.push_back(down * down + right * right);
    }
  return SeparableCost::dense(n, m, values);
}

/// `count` measures with weights between 1 and 2 times the smallest.
Measures<Space> random_measures(int count, int n, int stream) {
  const otfleet::kernels::CounterRandom random(14, stream);
  const Matrix<double, Space> weights("otfleet::benchmark::weights", count, n);
  const auto host = Kokkos::create_mirror_view(weights);
  for (int k = 0; k < count; ++k) {
    double sum = 0;
    for (int i = 0; i < n; ++i)
      sum += host(k, i) = 1 + random.uniform(static_cast<std::uint64_t>(k) * n + i);
    for (int i = 0; i < n; ++i) host(k, i) /= sum;
  }
  Kokkos::deep_copy(weights, host);
  return Measures<Space>(Space(), weights);
}

/// Problems on one stored matrix. Arguments: problems, points of either side, 1000 × epsilon.
struct DenseProblems {
  int count, n, m;
  double epsilon;
  SeparableCost cost;
  ProblemBatch<Space> batch;

  explicit DenseProblems(const benchmark::State& state)
      : count(static_cast<int>(state.range(0))),
        n(static_cast<int>(state.range(1))),
        m(static_cast<int>(state.range(2))),
        epsilon(static_cast<double>(state.range(3)) * 1e-3),
        cost(random_dense_cost(n, m)) {
    const Vector<int, Space> index("otfleet::benchmark::index", count);
    const auto host = Kokkos::create_mirror_view(index);
    for (int k = 0; k < count; ++k) host(k) = k;
    Kokkos::deep_copy(index, host);
    batch = {random_measures(count, n, 0), random_measures(count, m, 1), index, index};
  }
  void report(benchmark::State& state) const {
    state.counters["milliseconds_a_problem"] =
        benchmark::Counter(static_cast<double>(state.iterations()) * count * 1e-3,
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  }
};

/// To 1e-3 with momentum.
void dense_to_threshold(benchmark::State& state) {
  const DenseProblems problems(state);
  SinkhornSettings settings;
  settings.epsilon = problems.epsilon;
  settings.acceleration = Acceleration::momentum;
  const Matrix<double, Space> f("otfleet::benchmark::f", problems.count, problems.n);
  const Vector<int, Space> done("otfleet::benchmark::iterations", problems.count);
  const Vector<int, Space> status("otfleet::benchmark::status", problems.count);
  for (auto _ : state) {
    sinkhorn<double, Space>(Space(), problems.cost, problems.batch, settings, true, f, done,
                            status);
    benchmark::DoNotOptimize(f.data());
  }
  const auto made = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), done);
  double sum = 0;
  for (int k = 0; k < problems.count; ++k) sum += made(k);
  state.counters["iterations_a_problem"] = sum / problems.count;
  problems.report(state);
}

void certify_dense(benchmark::State& state) {
  const DenseProblems problems(state);
  const Matrix<double, Space> f("otfleet::benchmark::f", problems.count, problems.n);
  const Matrix<double, Space> g("otfleet::benchmark::g", problems.count, problems.m);
  const Certificates<Space> certificates(problems.count);
  for (auto _ : state) {
    certify<Space>(Space(), problems.cost, problems.batch, problems.epsilon, f, g, certificates);
    benchmark::DoNotOptimize(certificates.upper_bound.data());
  }
  problems.report(state);
}

void certify_grid(benchmark::State& state) {
  const int batch = static_cast<int>(state.range(0));
  const auto problems = make_problems(batch);
  const auto cost = grid_cost();
  const Matrix<double, Space> f("otfleet::benchmark::f", batch, points);
  const Matrix<double, Space> g("otfleet::benchmark::g", batch, points);
  const Certificates<Space> certificates(batch);
  for (auto _ : state) {
    certify<Space>(Space(), cost, problems, static_cast<double>(state.range(1)) * 1e-3, f, g,
                   certificates);
    benchmark::DoNotOptimize(certificates.upper_bound.data());
  }
  count(state, 10, grid_flops);
}

void semi_dual_grid(benchmark::State& state) {
  const int batch = static_cast<int>(state.range(0));
  const auto problems = make_problems(batch);
  const auto cost = grid_cost();
  const Matrix<double, Space> f("otfleet::benchmark::f", batch, points);
  const Matrix<double, Space> gradient("otfleet::benchmark::gradient", batch, points);
  const Vector<double, Space> value("otfleet::benchmark::value", batch);
  for (auto _ : state) {
    semi_dual<Space>(Space(), cost, problems, static_cast<double>(state.range(1)) * 1e-3, f, value,
                     gradient);
    benchmark::DoNotOptimize(gradient.data());
  }
  count(state, 2, grid_flops);
}

void unbalanced(benchmark::State& state, UnbalancedSettings settings) {
  const int batch = static_cast<int>(state.range(0));
  const auto cost = grid_cost();
  const auto problems = make_problems(batch);
  const Matrix<double, Space> f("otfleet::benchmark::f", batch, points);
  const Vector<int, Space> done("otfleet::benchmark::iterations", batch);
  const Vector<int, Space> status("otfleet::benchmark::status", batch);
  const UnbalancedSolution<Space> solution(batch, points, points);
  settings.epsilon = static_cast<double>(state.range(1)) * 1e-3;
  compare_with_balanced(
      state, batch, settings,
      [&](const SinkhornSettings& exact) {
        sinkhorn<double, Space>(Space(), cost, problems, exact, true, f, done, status);
        benchmark::DoNotOptimize(f.data());
      },
      [&](const UnbalancedSettings& penalties) {
        solve_unbalanced<SeparableCost, Space>(Space(), cost, problems, penalties, solution);
        benchmark::DoNotOptimize(solution.f.data());
      });
}
void grid_penalized(benchmark::State& state) {
  UnbalancedSettings settings;
  settings.tau_a = 0.9;
  settings.tau_b = 0.8;
  unbalanced(state, settings);
}
void grid_one_exact(benchmark::State& state) {
  UnbalancedSettings settings;
  settings.tau_a = 0.9;
  unbalanced(state, settings);
}
void grid_share(benchmark::State& state) {
  UnbalancedSettings settings;
  settings.transported_share = 0.8;
  unbalanced(state, settings);
}

BENCHMARK(grid_double)
    ->Args({1, 10})
    ->Args({16, 10})
    ->Args({1024, 10})
    ->Args({256, 1})
    ->UseRealTime();
BENCHMARK(grid_float)->Args({256, 100})->Args({256, 10})->UseRealTime();
BENCHMARK(grid_double_extended)->Args({256, 10})->UseRealTime();
BENCHMARK(dense_double)->Args({64, 10})->UseRealTime();
BENCHMARK(dense_to_threshold)
    ->ArgNames({"problems", "n", "m", "epsilon"})
    ->ArgsProduct({{1}, {100}, {100}, {1, 10, 100}})
    ->ArgsProduct({{1}, {300}, {300}, {1, 10, 100}})
    ->ArgsProduct({{1}, {1000}, {1000}, {1, 10, 100}})
    ->ArgsProduct({{1}, {2000}, {2000}, {1, 10, 100}})
    ->ArgsProduct({{4, 64}, {100}, {100}, {1, 10}})
    ->ArgsProduct({{4, 64}, {500}, {500}, {1, 10}})
    ->ArgsProduct({{4, 64}, {100}, {10000}, {1, 10}})
    ->UseRealTime();
BENCHMARK(certify_dense)
    ->ArgNames({"problems", "n", "m", "epsilon"})
    ->ArgsProduct({{1, 4, 64}, {100}, {10000}, {1, 10}})
    ->ArgsProduct({{1, 4, 64}, {500}, {500}, {1, 10}})
    ->UseRealTime();
BENCHMARK(certify_grid)->Args({1024, 10})->Args({256, 1})->UseRealTime();
BENCHMARK(grid_penalized)->Args({256, 10})->Args({256, 1})->UseRealTime();
BENCHMARK(grid_one_exact)->Args({256, 10})->Args({256, 1})->UseRealTime();
BENCHMARK(grid_share)->Args({256, 10})->Args({256, 1})->UseRealTime();
BENCHMARK(semi_dual_grid)->Args({128, 10})->UseRealTime();

}  // namespace
}  // namespace otfleet::kernels
