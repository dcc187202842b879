#include <benchmark/benchmark.h>

#include <chrono>
#include <random>

#include "kernels/runtime.hpp"
#include "src/families/neural_dual/neural_dual.hpp"

// Values and gradients of a potential by kernels::NetworkOracle, beside those of LibTorch's
// automatic differentiation, in turns, on fresh weights and standard normal points. Arguments:
// hidden units of both layers, dimension, points, 1 for an input-convex network.

namespace {

using namespace otfleet;

NeuralDual make_model(const benchmark::State& state) {
  DualDescription description;
  description.dimension = state.range(1);
  description.architecture.hidden = {state.range(0), state.range(0)};
  description.architecture.architecture = state.range(3) == 1 ? "icnn" : "mlp";
  description.architecture.predictor = "none";
  return {description, 0};
}

template <class Scalar>
DeviceArray<Scalar, 2> normal_points(const benchmark::State& state) {
  const DeviceArray<Scalar, 2> points("otfleet::benchmark::points",
                                      static_cast<std::size_t>(state.range(2)),
                                      static_cast<std::size_t>(state.range(1)));
  const auto host = points.mirror();
  std::mt19937 engine(1);
  std::normal_distribution<Scalar> normal;
  for (std::size_t k = 0; k < host.size(); ++k) host[k] = normal(engine);
  points.upload(host);
  return points;
}

template <class Scalar>
void evaluation(benchmark::State& state) {
  const NeuralDual model = make_model(state);
  const auto points = normal_points<Scalar>(state);
  kernels::Network<Scalar> fused(model.potential<Scalar>(), static_cast<int>(points.extent(0)));
  const auto differentiated = model.differentiated_potential<Scalar>();
  const DeviceArray<Scalar> value("otfleet::benchmark::value", points.extent(0));
  const DeviceArray<Scalar, 2> gradient("otfleet::benchmark::gradient", points.extent(0),
                                        points.extent(1));
  const auto seconds = [&](auto& oracle) {
    const auto begin = std::chrono::steady_clock::now();
    oracle.evaluate(points, value, gradient);
    kernels::fence();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  seconds(fused);
  seconds(*differentiated);
  double ours = 0, theirs = 0;
  for (auto _ : state) {
    const double taken = seconds(fused);
    state.SetIterationTime(taken);
    ours += taken;
    theirs += seconds(*differentiated);
    benchmark::DoNotOptimize(gradient.data());
  }
  state.counters["milliseconds"] = 1e3 * ours / static_cast<double>(state.iterations());
  state.counters["autograd_milliseconds"] = 1e3 * theirs / static_cast<double>(state.iterations());
  state.counters["times_as_fast"] = theirs / ours;
}

void evaluation_double(benchmark::State& state) {
  evaluation<double>(state);
}
void evaluation_float(benchmark::State& state) {
  evaluation<float>(state);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  for (const int icnn : {0, 1})
    for (const auto& [width, dimension] : {std::pair{512, 64}, {128, 8}, {64, 2}})
      benchmark->Args({width, dimension, 1024, icnn});
  benchmark->UseManualTime();
}

BENCHMARK(evaluation_double)->Apply(sizes);
BENCHMARK(evaluation_float)->Apply(sizes);

}  // namespace
