#include "kernels/training/loss.hpp"

#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void negative_mean_dual(const ExecutionSpace& space,
                        const Vector<const double, ExecutionSpace>& value,
                        const Vector<double, ExecutionSpace>& gradient, double batch,
                        const Vector<double, ExecutionSpace>& loss) {
  Kokkos::parallel_reduce(
      "otfleet::training::dual_sum",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<int>(value.extent(0))),
      KOKKOS_LAMBDA(int k, double& sum) { sum -= value(k) / batch; },
      number_at<ExecutionSpace>(loss, 0));
  Kokkos::parallel_reduce(
      "otfleet::training::slope",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<long>>(
          space, 0, static_cast<long>(gradient.extent(0))),
      KOKKOS_LAMBDA(long at, double& sum) {
        double& slope = gradient(at);
        slope /= -batch;
        sum += slope < 0 ? -slope : slope;
      },
      number_at<ExecutionSpace>(loss, 1));
}

template <class ExecutionSpace>
void potential_distance(const ExecutionSpace& space,
                        const Vector<const std::int64_t, ExecutionSpace>& begin,
                        const Vector<const double, ExecutionSpace>& a,
                        const Vector<const double, ExecutionSpace>& f,
                        const Vector<const double, ExecutionSpace>& target, double epsilon,
                        double batch, const Vector<double, ExecutionSpace>& gradient,
                        const Vector<double, ExecutionSpace>& distance) {
  using Policy = Kokkos::TeamPolicy<ExecutionSpace>;
  const int problems = static_cast<int>(begin.extent(0)) - 1;
  Kokkos::parallel_reduce(
      "otfleet::training::potential_distance", Policy(space, problems, Kokkos::AUTO),
      KOKKOS_LAMBDA(const typename Policy::member_type& team, double& total) {
        const std::int64_t first = begin(team.league_rank());
        const int n = static_cast<int>(begin(team.league_rank() + 1) - first);
        double mass = 0, offset = 0, square = 0;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, n), [&](int i, double& sum) { sum += a(first + i); },
            mass);
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, n),
            [&](int i, double& sum) {
              const std::int64_t at = first + i;
              if (a(at) > 0) sum += a(at) * (f(at) - target(at));
            },
            offset);
        offset /= mass;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, n),
            [&](int i, double& sum) {
              const std::int64_t at = first + i;
              const double difference = a(at) > 0 ? f(at) - target(at) - offset : 0;
              gradient(at) = a(at) * difference / (epsilon * batch);
              sum += gradient(at) * difference / 2;
            },
            square);
        Kokkos::single(Kokkos::PerTeam(team), [&] { total += square; });
      },
      number_at<ExecutionSpace>(distance, 0));
}

#define OTFLEET_INSTANTIATE(Space)                                                                \
  template void potential_distance<Space>(                                                        \
      const Space&, const Vector<const std::int64_t, Space>&, const Vector<const double, Space>&, \
      const Vector<const double, Space>&, const Vector<const double, Space>&, double, double,     \
      const Vector<double, Space>&, const Vector<double, Space>&);                                \
  template void negative_mean_dual<Space>(const Space&, const Vector<const double, Space>&,       \
                                          const Vector<double, Space>&, double,                   \
                                          const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
