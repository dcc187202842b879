#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/counter_random.hpp"
#include "kernels/solvers/newton/newton.hpp"

// Seconds and passes of the second-order solver from zeros: 100 sources (half of them with weight)
// and 10,000 clustered targets on a sphere at epsilon 1e-3, and digit-like measures on the 28 × 28
// grid. Arguments are the batch size and −log10 of the threshold. newton() fences before it
// returns.

namespace otfleet::kernels {
namespace {

using Space = Kokkos::DefaultExecutionSpace;

constexpr int sources = 100, targets = 10000, clusters = 300, side = 28, measures = 64;

struct Draws {
  otfleet::kernels::CounterRandom random{11, 0};
  std::uint64_t at = 0;
  double operator()() { return random.uniform(at++); }
};

struct Point {
  double x, y, z;
};

Point normalized(Point p) {
  const double length = std::sqrt(p.x * p.x + p.y * p.y + p.z * p.z);
  return {p.x / length, p.y / length, p.z / length};
}

Point uniform_on_sphere(Draws& draw) {
  const double z = 2 * draw() - 1, angle = 6.283185307179586 * draw(), r = std::sqrt(1 - z * z);
  return {r * std::cos(angle), r * std::sin(angle), z};
}

/// Angles between uniform sources and targets that gather around a few hundred cities.
SeparableCost spherical_cost() {
  Draws draw;
  std::vector<Point> from, city;
  for (int i = 0; i < sources; ++i) from.push_back(uniform_on_sphere(draw));
  for (int c = 0; c < clusters; ++c) city.push_back(uniform_on_sphere(draw));
  std::vector<double> values(static_cast<std::size_t>(sources) * targets);
  for (int j = 0; j < targets; ++j) {
    const Point center = city[static_cast<std::size_t>(clusters * draw() * draw())];
    const auto jitter = [&]() { return 0.1 * (draw() - 0.5); };
    const Point y = normalized({center.x + jitter(), center.y + jitter(), center.z + jitter()});
    for (int i = 0; i < sources; ++i) {
      const double cosine = from[i].x * y.x + from[i].y * y.y + from[i].z * y.z;
      values[static_cast<std::size_t>(i) * targets + j] = std::acos(cosine / (1 + 1e-4));
    }
  }
  return SeparableCost::dense(sources, targets, values);
}

/// Uniform weights, kept with probability `share` where `inside` says so.
template <class Inside>
Measures<Space> make_measures(int points, double share, const Inside& inside, Draws& draw) {
  Matrix<double, Space> weights("otfleet::benchmark::weights", measures, points);
  const auto host = Kokkos::create_mirror_view(weights);
  for (int k = 0; k < measures; ++k) {
    double mass = 0;
    for (int i = 0; i < points; ++i) {
      const bool kept = draw() < share && inside(i);
      host(k, i) = kept ? draw() : 0.0;
      mass += host(k, i);
    }
    for (int i = 0; i < points; ++i) host(k, i) /= mass;
  }
  Kokkos::deep_copy(weights, host);
  return Measures<Space>(Space(), weights);
}

void solve(benchmark::State& state, const SeparableCost& cost, const Measures<Space>& source,
           const Measures<Space>& target, double epsilon) {
  const int batch = static_cast<int>(state.range(0));
  Vector<int, Space> source_index("otfleet::benchmark::source", batch);
  Vector<int, Space> target_index("otfleet::benchmark::target", batch);
  const auto from = Kokkos::create_mirror_view(source_index);
  const auto to = Kokkos::create_mirror_view(target_index);
  for (int k = 0; k < batch; ++k) {
    from(k) = k % measures;
    to(k) = (k * 7 + 3) % measures;
  }
  Kokkos::deep_copy(source_index, from);
  Kokkos::deep_copy(target_index, to);
  const ProblemBatch<Space> problems{source, target, source_index, target_index};
  NewtonSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = std::pow(10.0, -static_cast<double>(state.range(1)));
  const Matrix<double, Space> f("otfleet::benchmark::f", batch, cost.n());
  const Vector<int, Space> iterations("otfleet::benchmark::iterations", batch);
  const Vector<int, Space> status("otfleet::benchmark::status", batch);
  for (auto _ : state) {
    newton<Space>(Space(), cost, problems, settings, true, f, iterations, status);
    benchmark::DoNotOptimize(f.data());
  }
  const auto passes = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), iterations);
  const auto verdict = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), status);
  double sum = 0;
  for (int k = 0; k < batch; ++k) {
    sum += passes(k);
    if (verdict(k) != 0) state.SkipWithError("not converged");
  }
  const double instances = static_cast<double>(state.iterations()) * batch;
  state.counters["instances_per_second"] =
      benchmark::Counter(instances, benchmark::Counter::kIsRate);
  state.counters["passes_per_instance"] = sum / batch;
  state.counters["microseconds_per_pass"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * sum * 1e-6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void spherical(benchmark::State& state) {
  Draws draw;
  const auto all = [](int) { return true; };
  const auto cost = spherical_cost();
  const auto source = make_measures(sources, 0.5, all, draw);
  const auto target = make_measures(targets, 1.0, all, draw);
  solve(state, cost, source, target, 1e-3);
}

void digits(benchmark::State& state, double epsilon) {
  Draws draw;
  std::vector<double> axis;
  for (int i = 0; i < side; ++i) axis.push_back(i / (side - 1.0));
  const auto inside = [](int i) {
    return i / side >= 4 && i / side < 24 && i % side >= 4 && i % side < 24;
  };
  const auto ink = make_measures(side * side, 0.4, inside, draw);
  solve(state, SeparableCost::squared_euclidean_grid({axis, axis}), ink, ink, epsilon);
}

BENCHMARK(spherical)->Args({1, 3})->Args({16, 2})->Args({16, 3})->Args({16, 6})->UseRealTime();
BENCHMARK_CAPTURE(digits, epsilon_1e_3, 1e-3)->Args({64, 2})->Args({64, 3})->UseRealTime();
BENCHMARK_CAPTURE(digits, epsilon_1e_2, 1e-2)->Args({64, 3})->UseRealTime();

}  // namespace
}  // namespace otfleet::kernels
