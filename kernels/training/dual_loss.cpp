#include "kernels/training/dual_loss.hpp"

#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

KOKKOS_INLINE_FUNCTION bool is_lost(int status) {
  return status == static_cast<int>(ConjugateStatus::unbounded) ||
         status == static_cast<int>(ConjugateStatus::not_finite);
}

}  // namespace

template <class ExecutionSpace>
void scaled_difference(const ExecutionSpace& space, const Matrix<const float, ExecutionSpace>& a,
                       const Matrix<const float, ExecutionSpace>& b, double scale,
                       const Matrix<float, ExecutionSpace>& difference) {
  const int dimension = static_cast<int>(a.extent(1));
  const auto factor = static_cast<float>(scale);
  Kokkos::parallel_for(
      "otfleet::training::scaled_difference",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(a.extent(0))),
      KOKKOS_LAMBDA(int k) {
        for (int i = 0; i < dimension; ++i) difference(k, i) = factor * (a(k, i) - b(k, i));
      });
}

template <class ExecutionSpace>
DualLoss dual_loss(const ExecutionSpace& space, const Vector<const float, ExecutionSpace>& f_x,
                   const Conjugates<ExecutionSpace, float>& conjugates, double batch,
                   const Matrix<float, ExecutionSpace>& minimizers,
                   const Vector<float, ExecutionSpace>& weights) {
  const int count = static_cast<int>(f_x.extent(0));
  const auto status = conjugates.status, steps = conjugates.steps,
             evaluations = conjugates.evaluations;
  const auto value = conjugates.value, start_residual = conjugates.start_residual;
  const int dimension = static_cast<int>(minimizers.extent(1));
  const auto share = static_cast<float>(1 / batch);
  DualLoss loss;
  Kokkos::parallel_reduce(
      "otfleet::training::dual_loss", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
      KOKKOS_LAMBDA(int k, double& sum, double& bad, double& good, double& step_sum,
                    double& evaluation_sum, double& residual_sum) {
        const bool lost = is_lost(status(k));
        weights(k) = share;
        weights(count + k) = lost ? 0.0f : -share;
        for (int i = 0; i < (lost ? dimension : 0); ++i) minimizers(k, i) = 0;
        sum += static_cast<double>(f_x(k)) - (lost ? 0.0 : static_cast<double>(value(k)));
        bad += lost;
        good += status(k) == static_cast<int>(ConjugateStatus::converged);
        step_sum += steps(k);
        evaluation_sum += evaluations(k);
        residual_sum += static_cast<double>(start_residual(k));
      },
      loss.value, loss.left_out, loss.converged, loss.steps, loss.evaluations,
      loss.start_residuals);
  loss.value /= batch;
  return loss;
}

template <class ExecutionSpace>
void clear_lost_rows(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& status,
                     const Matrix<float, ExecutionSpace>& rows) {
  const int dimension = static_cast<int>(rows.extent(1));
  Kokkos::parallel_for(
      "otfleet::training::clear_lost_rows",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(rows.extent(0))),
      KOKKOS_LAMBDA(int k) {
        if (is_lost(status(k)))
          for (int i = 0; i < dimension; ++i) rows(k, i) = 0;
      });
}

template <class ExecutionSpace>
void weigh_bows(const ExecutionSpace& space, const Vector<const int, ExecutionSpace>& bow,
                double factor, const Matrix<float, ExecutionSpace>& rows) {
  const int dimension = static_cast<int>(rows.extent(1));
  const auto times = static_cast<float>(factor);
  Kokkos::parallel_for(
      "otfleet::training::weigh_bows",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(rows.extent(0))),
      KOKKOS_LAMBDA(int k) {
        if (bow(k) < 0) return;
        for (int i = 0; i < dimension; ++i) rows(k, i) *= times;
      });
}

#define OTFLEET_INSTANTIATE(Space)                                                        \
  template void weigh_bows<Space>(const Space&, const Vector<const int, Space>&, double,  \
                                  const Matrix<float, Space>&);                           \
  template void clear_lost_rows<Space>(const Space&, const Vector<const int, Space>&,     \
                                       const Matrix<float, Space>&);                      \
  template void scaled_difference<Space>(const Space&, const Matrix<const float, Space>&, \
                                         const Matrix<const float, Space>&, double,       \
                                         const Matrix<float, Space>&);                    \
  template DualLoss dual_loss<Space>(const Space&, const Vector<const float, Space>&,     \
                                     const Conjugates<Space, float>&, double,             \
                                     const Matrix<float, Space>&, const Vector<float, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
