#pragma once
#include <algorithm>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "kernels/minimize/conjugate.hpp"
#include "tests/kernels/test_space.hpp"

// What the tests of conjugates share: functions written point by point, and solvers called with
// host arrays.

namespace otfleet::kernels {

using Values = std::vector<double>;

/// A function written point by point, on the host.
template <class Scalar>
class HostOracle final : public PotentialOracle<Space, Scalar> {
 public:
  /// Gives f(x) and writes its gradient.
  using Function = std::function<double(const Values& x, Values& gradient)>;

  HostOracle(int dimension, Function function)
      : dimension_(dimension), function_(std::move(function)) {}

  int dimension() const override { return dimension_; }
  int calls() const { return calls_; }

  void evaluate(const Space& space, const Matrix<const Scalar, Space>& points,
                const Vector<Scalar, Space>& value,
                const Matrix<Scalar, Space>& gradient) override {
    ++calls_;
    space.fence();
    const auto x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), points);
    const auto f = Kokkos::create_mirror_view(value);
    const auto g = Kokkos::create_mirror_view(gradient);
    const auto d = static_cast<std::size_t>(dimension_);
    Values at(d), slope(d);
    for (std::size_t k = 0; k < x.extent(0); ++k) {
      for (std::size_t i = 0; i < d; ++i) at[i] = static_cast<double>(x(k, i));
      f(k) = static_cast<Scalar>(function_(at, slope));
      for (std::size_t i = 0; i < d; ++i) g(k, i) = static_cast<Scalar>(slope[i]);
    }
    Kokkos::deep_copy(value, f);
    Kokkos::deep_copy(gradient, g);
  }

 private:
  int dimension_;
  Function function_;
  int calls_ = 0;
};

inline Values random_values(std::size_t count, unsigned seed, double scale = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  Values values(count);
  for (double& value : values) value = scale * normal(engine);
  return values;
}

template <class Scalar>
Matrix<Scalar, Space> upload(const Values& values, std::size_t rows) {
  const std::size_t columns = rows == 0 ? 1 : values.size() / rows;
  const Matrix<Scalar, Space> matrix("otfleet::test::values", rows, columns);
  const auto host = Kokkos::create_mirror_view(matrix);
  for (std::size_t k = 0; k < rows; ++k)
    for (std::size_t i = 0; i < columns; ++i)
      host(k, i) = static_cast<Scalar>(values[k * columns + i]);
  Kokkos::deep_copy(matrix, host);
  return matrix;
}

struct Outcome {
  Values x, value, residual;
  std::vector<int> steps, evaluations, status;
};

template <class Scalar, class Solver>
Outcome minimize(Solver& solver, PotentialOracle<Space, Scalar>& oracle, const Values& y,
                 const Values& start, std::size_t rows) {
  const auto targets = upload<Scalar>(y, rows), x = upload<Scalar>(start, rows);
  const Conjugates<Space, Scalar> result(rows);
  solver.minimize(Space(), oracle, targets, x, result);
  Outcome outcome;
  const auto host_x = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
  for (std::size_t k = 0; k < rows; ++k)
    for (std::size_t i = 0; i < host_x.extent(1); ++i)
      outcome.x.push_back(static_cast<double>(host_x(k, i)));
  const auto copy = [&](const auto& from, auto& to) {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), from);
    for (std::size_t k = 0; k < rows; ++k) to.push_back(host(k));
  };
  copy(result.value, outcome.value);
  copy(result.residual, outcome.residual);
  copy(result.steps, outcome.steps);
  copy(result.evaluations, outcome.evaluations);
  copy(result.status, outcome.status);
  return outcome;
}

inline constexpr int converged = static_cast<int>(ConjugateStatus::converged);

}  // namespace otfleet::kernels
