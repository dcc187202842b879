#include "kernels/training/loss.hpp"

#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void negative_mean_dual(const ExecutionSpace& space,
                        const Vector<const double, ExecutionSpace>& value,
                        const Matrix<double, ExecutionSpace>& gradient, double batch,
                        const Vector<double, ExecutionSpace>& loss) {
  const int rows = static_cast<int>(gradient.extent(0)), n = static_cast<int>(gradient.extent(1));
  Kokkos::parallel_reduce(
      "otfleet::training::dual_sum", Kokkos::RangePolicy<ExecutionSpace>(space, 0, rows),
      KOKKOS_LAMBDA(int k, double& sum) { sum -= value(k) / batch; },
      number_at<ExecutionSpace>(loss, 0));
  Kokkos::parallel_reduce(
      "otfleet::training::slope",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(space, 0,
                                                                   static_cast<long>(rows) * n),
      KOKKOS_LAMBDA(long at, double& sum) {
        double& slope = gradient(at / n, at % n);
        slope /= -batch;
        sum += slope < 0 ? -slope : slope;
      },
      number_at<ExecutionSpace>(loss, 1));
}

template <class ExecutionSpace>
void potential_distance(const ExecutionSpace& space, const Matrix<const double, ExecutionSpace>& a,
                        const Matrix<const double, ExecutionSpace>& f,
                        const Matrix<const double, ExecutionSpace>& target, double epsilon,
                        double batch, const Matrix<double, ExecutionSpace>& gradient,
                        const Vector<double, ExecutionSpace>& distance) {
  using Policy = Kokkos::TeamPolicy<ExecutionSpace>;
  const int rows = static_cast<int>(gradient.extent(0)), n = static_cast<int>(gradient.extent(1));
  Kokkos::parallel_reduce(
      "otfleet::training::potential_distance", Policy(space, rows, Kokkos::AUTO),
      KOKKOS_LAMBDA(const typename Policy::member_type& team, double& total) {
        const int k = team.league_rank();
        double mass = 0, offset = 0, square = 0;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, n), [&](int i, double& sum) { sum += a(k, i); }, mass);
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, n),
            [&](int i, double& sum) {
              if (a(k, i) > 0) sum += a(k, i) * (f(k, i) - target(k, i));
            },
            offset);
        offset /= mass;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, n),
            [&](int i, double& sum) {
              const double difference = a(k, i) > 0 ? f(k, i) - target(k, i) - offset : 0;
              gradient(k, i) = a(k, i) * difference / (epsilon * batch);
              sum += gradient(k, i) * difference / 2;
            },
            square);
        Kokkos::single(Kokkos::PerTeam(team), [&] { total += square; });
      },
      number_at<ExecutionSpace>(distance, 0));
}

#define OTFLEET_INSTANTIATE(Space)                                                          \
  template void potential_distance<Space>(                                                  \
      const Space&, const Matrix<const double, Space>&, const Matrix<const double, Space>&, \
      const Matrix<const double, Space>&, double, double, const Matrix<double, Space>&,     \
      const Vector<double, Space>&);                                                        \
  template void negative_mean_dual<Space>(const Space&, const Vector<const double, Space>&, \
                                          const Matrix<double, Space>&, double,             \
                                          const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
