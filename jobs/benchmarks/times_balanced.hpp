#pragma once
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>

#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "kernels/solvers/unbalanced/unbalanced.hpp"

namespace otfleet::kernels {

/// The least seconds of a few calls.
template <class Run>
double least_seconds(const Run& run) {
  double least = 1e300;
  for (int turn = 0; turn < 7; ++turn) {
    const auto begin = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    least = std::min(least, took.count());
  }
  return least;
}

/// Iterations of `problems` problems whose marginals need not be exact, beside those of balanced
/// ones: the time of `more` iterations less that of `few`, so that starts and certificates do not
/// count. balanced(settings) and unbalanced(settings) solve them with the settings given, as far as
/// they go.
template <class Balanced, class Unbalanced>
void compare_with_balanced(benchmark::State& state, int problems, UnbalancedSettings settings,
                           const Balanced& balanced, const Unbalanced& unbalanced) {
  constexpr int few = 8, more = 40;
  SinkhornSettings exact;
  exact.epsilon = settings.epsilon;
  settings.threshold = exact.threshold = 1e-300;
  double seconds[2] = {1e300, 1e300};
  for (auto _ : state) {
    double taken[2][2];
    for (const int end : {0, 1}) {
      exact.max_iterations = settings.max_iterations = end == 0 ? few : more;
      taken[0][end] = least_seconds([&] { balanced(exact); });
      taken[1][end] = least_seconds([&] { unbalanced(settings); });
    }
    for (const int kind : {0, 1})
      seconds[kind] = std::min(seconds[kind], taken[kind][1] - taken[kind][0]);
  }
  const double each = 1e9 / (problems * static_cast<double>(more - few));
  state.counters["nanoseconds_per_iteration"] = seconds[1] * each;
  state.counters["balanced_nanoseconds"] = seconds[0] * each;
  state.counters["times_balanced"] = seconds[1] / seconds[0];
}

}  // namespace otfleet::kernels
