#include "kernels/initializers/log_weights.hpp"

#include "kernels/backend.hpp"
#include "kernels/initializers/start_batch.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {

template <class ExecutionSpace>
void add_log_weights(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems,
                     double factor, const Matrix<double, ExecutionSpace>& f) {
  if (problems.size() == 0) return;
  check_rows("f", f, problems.size(), problems.source.points());
  using Range = Kokkos::MDRangePolicy<ExecutionSpace, Kokkos::Rank<2>, Kokkos::IndexType<int>>;
  Kokkos::parallel_for(
      "otfleet::initializers::add_log_weights",
      Range(space, {0, 0}, {problems.size(), problems.source.points()}),
      KOKKOS_LAMBDA(int k, int i) {
        const double weight = problems.source.weights(problems.source_index(k), i);
        f(k, i) = weight > 0 ? f(k, i) + factor * ::log(weight)
                             : -Kokkos::Experimental::infinity<double>::value;
      });
  space.fence();
}

template <class ExecutionSpace>
void add_log_weights(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                     double factor, const Vector<double, ExecutionSpace>& f) {
  if (problems.size() == 0) return;
  const auto batch = local_start_batch(problems, f);
  Kokkos::parallel_for(
      "otfleet::initializers::add_log_weights_of_clouds",
      Policy<ExecutionSpace>(space, batch.size(), Backend<ExecutionSpace>::team_size, 1),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank(), measure = batch.source_index(k);
        const double* weights = batch.source.weights_of(measure);
        double* start = batch.start(k);
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, batch.source.size(measure)), [&](int i) {
          start[i] = weights[i] > 0 ? start[i] + factor * ::log(weights[i])
                                    : -Kokkos::Experimental::infinity<double>::value;
        });
      });
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                       \
  template void add_log_weights<Space>(const Space&, const ProblemBatch<Space>&, double, \
                                       const Matrix<double, Space>&);                    \
  template void add_log_weights<Space>(const Space&, const CloudBatch<Space>&, double,   \
                                       const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
