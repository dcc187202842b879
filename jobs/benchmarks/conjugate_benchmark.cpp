#include <benchmark/benchmark.h>

#include <KokkosBlas3_gemm.hpp>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>

#include "kernels/counter_random.hpp"
#include "kernels/minimize/conjugate.hpp"
#include "kernels/networks/potential_network.hpp"

// Conjugates per second by L-BFGS, and the rate of an evaluation (values and gradients) beside that
// of a plain product of matrices, [batch, width] times [width, width], in turns with it.
//
// f = ½|x|² + MLP with two hidden layers of softplus; weights normal with deviation gain/√inputs,
// biases with 0.1; y standard normal; starts x = y; memory 10, at most 100 steps, tolerance 1e-3.
// Arguments: hidden units, dimension, points, gain in percent.

namespace otfleet::kernels {
namespace {

using Space = Kokkos::DefaultExecutionSpace;

/// Standard normal numbers times `deviation` (Box & Muller 1958).
template <class Scalar>
Matrix<Scalar, Space> normal(std::size_t rows, std::size_t columns, double deviation, int stream) {
  const otfleet::kernels::CounterRandom random(5, static_cast<std::uint64_t>(stream));
  const Matrix<Scalar, Space> matrix("otfleet::benchmark::normal", rows, columns);
  const auto host = Kokkos::create_mirror_view(matrix);
  for (std::size_t k = 0; k < rows; ++k)
    for (std::size_t i = 0; i < columns; ++i) {
      const std::uint64_t at = 2 * (k * columns + i);
      const double radius = std::sqrt(-2 * std::log(1 - random.uniform(at)));
      const double turn = 6.283185307179586 * random.uniform(at + 1);
      host(k, i) = static_cast<Scalar>(deviation * radius * std::cos(turn));
    }
  Kokkos::deep_copy(matrix, host);
  return matrix;
}

template <class Scalar>
struct Problem {
  int width, dimension, points;
  PotentialNetwork<Space, Scalar> network;
  Matrix<Scalar, Space> y;

  explicit Problem(const benchmark::State& state)
      : width(static_cast<int>(state.range(0))),
        dimension(static_cast<int>(state.range(1))),
        points(static_cast<int>(state.range(2))) {
    const double gain = static_cast<double>(state.range(3)) / 100;
    const auto hidden = static_cast<std::size_t>(width), d = static_cast<std::size_t>(dimension);
    int stream = 0;
    const auto weights = [&](std::size_t outputs, std::size_t inputs) {
      return normal<Scalar>(outputs, inputs, gain / std::sqrt(static_cast<double>(inputs)),
                            stream++);
    };
    const auto bias = [&] {
      const Vector<Scalar, Space> numbers("otfleet::benchmark::bias", hidden);
      Kokkos::deep_copy(numbers,
                        Kokkos::subview(normal<Scalar>(1, hidden, 0.1, stream++), 0, Kokkos::ALL));
      return numbers;
    };
    PotentialLayer<Space, Scalar> first, second, last;
    first.input = weights(hidden, d);
    second.hidden = weights(hidden, hidden);
    last.hidden = weights(1, hidden);
    first.bias = bias();
    second.bias = bias();
    network.layers = {first, second, last};
    network.half_square = 1;
    y = normal<Scalar>(static_cast<std::size_t>(points), d, 1, stream++);
  }

  /// Of values and gradients at all points.
  double flops() const {
    return 4.0 * points * width * (static_cast<double>(dimension) + width + 1);
  }
};

/// minimize() of a solver, which `make` makes of a problem.
template <class Scalar, class Make>
void conjugates(benchmark::State& state, const Make& make) {
  const Problem<Scalar> problem(state);
  const auto minimize = make(problem);
  const Matrix<Scalar, Space> x("otfleet::benchmark::x", problem.y.extent(0), problem.y.extent(1));
  const Conjugates<Space, Scalar> result(problem.y.extent(0));
  const auto solve = [&] {
    Kokkos::deep_copy(x, problem.y);
    minimize(x, result);
  };
  solve();
  for (auto _ : state) {
    solve();
    benchmark::DoNotOptimize(x.data());
  }
  const auto mean = [&](const Vector<int, Space>& counts, auto part) {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), counts);
    double sum = 0;
    for (std::size_t k = 0; k < host.extent(0); ++k) sum += part(host(k));
    return sum / problem.points;
  };
  const auto itself = [](int count) { return count; };
  const double done = static_cast<double>(state.iterations()) * problem.points;
  state.counters["conjugates_per_second"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
  state.counters["mean_steps"] = mean(result.steps, itself);
  state.counters["mean_evaluations"] = mean(result.evaluations, itself);
  state.counters["converged_share"] = mean(result.status, [](int status) {
    return status == static_cast<int>(ConjugateStatus::converged);
  });
}

template <class Scalar>
void evaluation(benchmark::State& state) {
  const Problem<Scalar> problem(state);
  NetworkOracle<Space, Scalar> oracle(problem.network, problem.points);
  const auto rows = problem.y.extent(0), hidden = static_cast<std::size_t>(problem.width);
  const Vector<Scalar, Space> value("otfleet::benchmark::value", rows);
  const Matrix<Scalar, Space> gradient("otfleet::benchmark::gradient", rows, problem.y.extent(1));
  const auto a = normal<Scalar>(rows, hidden, 1, 98), b = normal<Scalar>(hidden, hidden, 1, 99);
  const Matrix<Scalar, Space> c("otfleet::benchmark::product", rows, hidden);
  const auto evaluate = [&] { oracle.evaluate(Space(), problem.y, value, gradient); };
  const auto multiply = [&] {
    KokkosBlas::gemm("N", "T", Scalar(1), a, b, Scalar(0), c);
    Kokkos::fence();
  };
  const auto seconds = [](const auto& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  evaluate();
  multiply();
  double evaluating = 0, multiplying = 0;
  for (auto _ : state) {
    const double taken = seconds(evaluate);
    state.SetIterationTime(taken);
    evaluating += taken;
    multiplying += seconds(multiply);
    benchmark::DoNotOptimize(gradient.data());
    benchmark::DoNotOptimize(c.data());
  }
  const double rounds = static_cast<double>(state.iterations());
  const double rate = rounds * problem.flops() / evaluating;
  const double product_rate =
      rounds * 2.0 * problem.points * problem.width * problem.width / multiplying;
  state.counters["gigaflops"] = rate * 1e-9;
  state.counters["product_gigaflops"] = product_rate * 1e-9;
  state.counters["share_of_product"] = rate / product_rate;
}

template <class Scalar>
void one_precision(benchmark::State& state) {
  conjugates<Scalar>(state, [](const Problem<Scalar>& problem) {
    const auto oracle =
        std::make_shared<NetworkOracle<Space, Scalar>>(problem.network, problem.points);
    const auto solver =
        std::make_shared<Lbfgs<Space, Scalar>>(LbfgsSettings(), problem.points, problem.dimension);
    return [=, y = problem.y](const auto& x, const auto& result) {
      solver->minimize(Space(), *oracle, y, x, result);
    };
  });
}

void conjugates_double(benchmark::State& state) {
  one_precision<double>(state);
}
void conjugates_float(benchmark::State& state) {
  one_precision<float>(state);
}
/// Float first, double in the end.
void conjugates_mixed(benchmark::State& state) {
  conjugates<double>(state, [&state](const Problem<double>& problem) {
    const auto rough = std::make_shared<NetworkOracle<Space, float>>(Problem<float>(state).network,
                                                                     problem.points);
    const auto oracle =
        std::make_shared<NetworkOracle<Space, double>>(problem.network, problem.points);
    const auto solver =
        std::make_shared<MixedLbfgs<Space>>(LbfgsSettings(), problem.points, problem.dimension);
    return [=, y = problem.y](const auto& x, const auto& result) {
      solver->minimize(Space(), *rough, *oracle, y, x, result);
    };
  });
}
void evaluation_double(benchmark::State& state) {
  evaluation<double>(state);
}
void evaluation_float(benchmark::State& state) {
  evaluation<float>(state);
}

BENCHMARK(conjugates_double)
    ->Args({512, 64, 1024, 100})
    ->Args({512, 64, 1024, 150})
    ->Args({64, 2, 1024, 100})
    ->UseRealTime();
BENCHMARK(conjugates_mixed)
    ->Args({512, 64, 1024, 100})
    ->Args({512, 64, 1024, 150})
    ->Args({64, 2, 1024, 100})
    ->UseRealTime();
BENCHMARK(conjugates_float)
    ->Args({512, 64, 1024, 100})
    ->Args({512, 64, 1024, 150})
    ->Args({64, 2, 1024, 100})
    ->UseRealTime();
BENCHMARK(evaluation_double)
    ->Args({512, 64, 1024, 100})
    ->Args({128, 16, 1024, 100})
    ->Args({64, 2, 1024, 100})
    ->UseManualTime();
BENCHMARK(evaluation_float)
    ->Args({512, 64, 1024, 100})
    ->Args({128, 16, 1024, 100})
    ->Args({64, 2, 1024, 100})
    ->UseManualTime();

}  // namespace
}  // namespace otfleet::kernels
