#include "kernels/training/loss.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
Loss negative_mean_dual(const ExecutionSpace& space,
                        const Vector<const double, ExecutionSpace>& value,
                        const Matrix<double, ExecutionSpace>& gradient, double batch) {
  const int rows = static_cast<int>(gradient.extent(0)), n = static_cast<int>(gradient.extent(1));
  Loss loss;
  Kokkos::parallel_reduce(
      "otfleet::training::dual_sum", Kokkos::RangePolicy<ExecutionSpace>(space, 0, rows),
      KOKKOS_LAMBDA(int k, double& sum) { sum -= value(k) / batch; }, loss.value);
  Kokkos::parallel_reduce(
      "otfleet::training::slope",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<long>(rows) * n),
      KOKKOS_LAMBDA(long at, double& sum) {
        double& slope = gradient(at / n, at % n);
        slope /= -batch;
        sum += slope < 0 ? -slope : slope;
      },
      loss.first_error);
  return loss;
}

template Loss negative_mean_dual<Kokkos::DefaultExecutionSpace>(
    const Kokkos::DefaultExecutionSpace&,
    const Vector<const double, Kokkos::DefaultExecutionSpace>&,
    const Matrix<double, Kokkos::DefaultExecutionSpace>&, double);

}  // namespace otfleet::kernels
