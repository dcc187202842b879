#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/api/paths.hpp"

// Least-action paths a second, over every Lagrangian, from the left quarter of its box to the right
// one. Argument: the place in the list of Lagrangians.

namespace {

using namespace otfleet::kernels;

constexpr int paths = 1024;

std::vector<double> ends(const PlaneBox& box, bool right) {
  std::mt19937 engine(right ? 2 : 1);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> points;
  for (int k = 0; k < paths; ++k)
    for (int i = 0; i < 2; ++i) {
      const double share = i == 0 ? (right ? 0.75 : 0.0) + 0.25 * uniform(engine) : uniform(engine);
      points.push_back(box.low[i] + share * (box.high[i] - box.low[i]));
    }
  return points;
}

void least_action(benchmark::State& state) {
  const Lagrangian lagrangian = all_lagrangians()[static_cast<std::size_t>(state.range(0))];
  const PlaneBox box = std::visit([](const auto& typed) { return typed.box; }, lagrangian);
  PathSettings settings;
  settings.starts = static_cast<int>(state.range(1));
  settings.points = static_cast<int>(state.range(2));
  PathSolver solver(lagrangian, 2, settings);
  const auto x = ends(box, false), y = ends(box, true);
  PathResult result;
  for (auto _ : state) result = solver.solve(x, y);
  double converged = 0, evaluations = 0, action = 0, fine = 0, straight = 0;
  for (std::size_t k = 0; k < paths; ++k) {
    converged += result.status[k] == 0 ? 1 : 0;
    evaluations += result.evaluations[k];
    action += result.action[k];
    fine += result.fine[k];
    straight += result.straight[k];
  }
  state.SetLabel(name_of(lagrangian));
  state.counters["paths_per_second"] =
      benchmark::Counter(static_cast<double>(paths) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
  state.counters["converged"] = converged / paths;
  state.counters["evaluations"] = evaluations / paths;
  state.counters["action"] = action / paths;
  state.counters["fine_action"] = fine / paths;
  state.counters["straight_action"] = straight / paths;
}

void every_lagrangian(benchmark::internal::Benchmark* benchmark) {
  for (const int points : {20, 60})
    for (const int starts : {1, 3})
      for (std::size_t k = 0; k < all_lagrangians().size(); ++k)
        benchmark->Args({static_cast<std::int64_t>(k), starts, points});
}

BENCHMARK(least_action)->Apply(every_lagrangian)->Unit(benchmark::kMillisecond);

}  // namespace
