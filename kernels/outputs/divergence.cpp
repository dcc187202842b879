#include "kernels/outputs/divergence.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/number_text.hpp"
#include "kernels/operators/in_passes/cloud_problems.hpp"
#include "kernels/outputs/position_gradient.hpp"
#include "kernels/problems/checks.hpp"
#include "kernels/solvers/unbalanced/checks.hpp"
#include "kernels/spaces.hpp"
#include "kernels/team_loops.hpp"

namespace otfleet::kernels {
namespace {

/// The measures that `index` names, each once, and where they are in that list.
template <class ExecutionSpace>
void list_measures(const Vector<const int, ExecutionSpace>& index,
                   Vector<int, ExecutionSpace>& measures, Vector<int, ExecutionSpace>& row) {
  const auto named = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), index);
  std::vector<int> list(named.data(), named.data() + named.extent(0));
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  measures = Vector<int, ExecutionSpace>("otfleet::unbalanced::measures", list.size());
  row = Vector<int, ExecutionSpace>("otfleet::unbalanced::row", index.extent(0));
  const auto host_measures = Kokkos::create_mirror_view(measures);
  const auto host_row = Kokkos::create_mirror_view(row);
  std::copy(list.begin(), list.end(), host_measures.data());
  for (std::size_t k = 0; k < named.extent(0); ++k)
    host_row(k) =
        static_cast<int>(std::lower_bound(list.begin(), list.end(), named(k)) - list.begin());
  Kokkos::deep_copy(measures, host_measures);
  Kokkos::deep_copy(row, host_row);
}

/// Throws std::invalid_argument when measures, indices and cost do not fit together.
template <class ExecutionSpace>
void check_problems(const ExecutionSpace& space, const SeparableCost& cost,
                    const ProblemBatch<ExecutionSpace>& problems, double epsilon) {
  check_batch(space, cost, problems, epsilon);
}
template <class ExecutionSpace>
void check_problems(const ExecutionSpace&, const PointCloudCost<ExecutionSpace>& cost,
                    const ProblemBatch<ExecutionSpace>& problems, double epsilon) {
  make_cloud_problems(cost, problems, epsilon);
}

/// Throws std::invalid_argument when masses of source and target differ by more than 1e-6.
template <class ExecutionSpace>
void check_masses(const ProblemBatch<ExecutionSpace>& problems) {
  const auto sources = indices_on_host(problems.source_index);
  const auto targets = indices_on_host(problems.target_index);
  const auto source =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.source.mass);
  const auto target =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), problems.target.mass);
  for (int k = 0; k < problems.size(); ++k) {
    const double a = source(sources[k]), b = target(targets[k]);
    if (std::abs(a - b) > 1e-6 * std::max(a, b))
      throw std::invalid_argument("problem " + std::to_string(k) + " has masses " + number_text(a) +
                                  " and " + number_text(b) +
                                  ", which differ: its divergence needs tau < 1");
  }
}

/// value = between − (source + target)/2, each dual without its terms epsilon · mass · mass, which
/// the term of the masses takes away.
template <class ExecutionSpace>
void find_values(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems,
                 const UnbalancedSettings& settings,
                 const SinkhornDivergence<ExecutionSpace>& divergence) {
  const Vector<const double, ExecutionSpace> masses[2] = {problems.source.mass,
                                                          problems.target.mass};
  const auto source_mass = masses[0], target_mass = masses[1];
  const Vector<const int, ExecutionSpace> source = problems.source_index,
                                          target = problems.target_index;
  const bool equal_masses = is_balanced(settings);
  const double epsilon = settings.epsilon;
  Kokkos::parallel_for(
      "otfleet::unbalanced::divergence",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, problems.size()), KOKKOS_LAMBDA(int k) {
        const double a = source_mass(source(k)), b = target_mass(target(k));
        const double product = equal_masses ? a * a : a * b;
        divergence.value(k) =
            (divergence.between.dual_value(k) - epsilon * product) -
            0.5 * (divergence.source.dual_value(divergence.source_row(k)) - epsilon * a * a) -
            0.5 * (divergence.target.dual_value(divergence.target_row(k)) - epsilon * b * b);
      });
}

/// gradient(k, :) −= own(row(k), :).
template <class ExecutionSpace>
void subtract_rows(const ExecutionSpace& space, const Vector<int, ExecutionSpace>& row,
                   const Matrix<double, ExecutionSpace>& own,
                   const Matrix<double, ExecutionSpace>& gradient) {
  const int columns = static_cast<int>(gradient.extent(1));
  Kokkos::parallel_for(
      "otfleet::unbalanced::subtract_rows", team_each(space, static_cast<int>(gradient.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        team_for(team, columns, [&](int i) { gradient(k, i) -= own(row(k), i); });
      });
}

/// gradient(k, i) += epsilon (mass − other mass) where the weight is positive.
template <class ExecutionSpace>
void add_mass_term(const ExecutionSpace& space, const Measures<ExecutionSpace>& measures,
                   const Vector<const int, ExecutionSpace>& index,
                   const Measures<ExecutionSpace>& others,
                   const Vector<const int, ExecutionSpace>& other_index, double epsilon,
                   const Matrix<double, ExecutionSpace>& gradient) {
  const Matrix<const double, ExecutionSpace> weights = measures.weights;
  const Vector<const double, ExecutionSpace> mass = measures.mass, other_mass = others.mass;
  const int columns = static_cast<int>(gradient.extent(1));
  Kokkos::parallel_for(
      "otfleet::unbalanced::add_mass_term", team_each(space, static_cast<int>(gradient.extent(0))),
      KOKKOS_LAMBDA(const Team<ExecutionSpace>& team) {
        const int k = team.league_rank();
        const double term = epsilon * (mass(index(k)) - other_mass(other_index(k)));
        team_for(team, columns, [&](int i) {
          if (weights(index(k), i) > 0) gradient(k, i) += term;
        });
      });
}

template <class ExecutionSpace>
ProblemBatch<ExecutionSpace> self_problems(const Measures<ExecutionSpace>& measures,
                                           const Vector<int, ExecutionSpace>& index) {
  return {measures, measures, index, index};
}

template <class ExecutionSpace>
Matrix<double, ExecutionSpace> rows_like(const Vector<int, ExecutionSpace>& index,
                                         const Matrix<double, ExecutionSpace>& gradient) {
  return Matrix<double, ExecutionSpace>("otfleet::unbalanced::own_gradient", index.extent(0),
                                        gradient.extent(1));
}

}  // namespace

template <class Cost, class ExecutionSpace>
SinkhornDivergence<ExecutionSpace> sinkhorn_divergence(const ExecutionSpace& space,
                                                       const Cost& cost, const Cost& source_cost,
                                                       const Cost& target_cost,
                                                       const ProblemBatch<ExecutionSpace>& problems,
                                                       const UnbalancedSettings& settings) {
  check_problems(space, cost, problems, settings.epsilon);
  check_unbalanced(settings);
  if (is_balanced(settings)) check_masses(problems);
  SinkhornDivergence<ExecutionSpace> result;
  result.value = Vector<double, ExecutionSpace>("otfleet::unbalanced::divergence", problems.size());
  list_measures<ExecutionSpace>(problems.source_index, result.source_index, result.source_row);
  list_measures<ExecutionSpace>(problems.target_index, result.target_index, result.target_row);
  const auto rows = [](const auto& index) { return static_cast<int>(index.extent(0)); };
  result.between = {problems.size(), cost.n(), cost.m()};
  result.source = {rows(result.source_index), source_cost.n(), source_cost.m()};
  result.target = {rows(result.target_index), target_cost.n(), target_cost.m()};
  solve_self_transport<Cost, ExecutionSpace>(space, source_cost, problems.source,
                                             result.source_index, settings, result.source);
  solve_self_transport<Cost, ExecutionSpace>(space, target_cost, problems.target,
                                             result.target_index, settings, result.target);
  solve_unbalanced(space, cost, problems, settings, result.between);
  find_values(space, problems, settings, result);
  space.fence();
  return result;
}

template <class Cost, class ExecutionSpace>
void differentiate_divergence_by_weights(const ExecutionSpace& space, const Cost& cost,
                                         const Cost& source_cost, const Cost& target_cost,
                                         const ProblemBatch<ExecutionSpace>& problems,
                                         const UnbalancedSettings& settings,
                                         const SinkhornDivergence<ExecutionSpace>& divergence,
                                         const Matrix<double, ExecutionSpace>& by_source,
                                         const Matrix<double, ExecutionSpace>& by_target) {
  differentiate_by_weights(space, cost, problems, settings, divergence.between, by_source,
                           by_target);
  // OT(a, a) depends on a twice, by halves: the derivative of one argument is that of OT(a, a)/2.
  const auto subtract_own = [&](const Cost& own_cost, const Measures<ExecutionSpace>& measures,
                                const Vector<int, ExecutionSpace>& index, const auto& row,
                                const auto& solution, const auto& gradient) {
    const auto own = rows_like<ExecutionSpace>(index, gradient);
    differentiate_by_weights(space, own_cost, self_problems<ExecutionSpace>(measures, index),
                             settings, solution, own, rows_like<ExecutionSpace>(index, gradient));
    subtract_rows<ExecutionSpace>(space, row, own, gradient);
  };
  subtract_own(source_cost, problems.source, divergence.source_index, divergence.source_row,
               divergence.source, by_source);
  subtract_own(target_cost, problems.target, divergence.target_index, divergence.target_row,
               divergence.target, by_target);
  add_mass_term<ExecutionSpace>(space, problems.source, problems.source_index, problems.target,
                                problems.target_index, settings.epsilon, by_source);
  add_mass_term<ExecutionSpace>(space, problems.target, problems.target_index, problems.source,
                                problems.source_index, settings.epsilon, by_target);
  space.fence();
}

template <class ExecutionSpace>
void differentiate_divergence_by_positions(const ExecutionSpace& space,
                                           const PointCloudCost<ExecutionSpace>& cost,
                                           const PointCloudCost<ExecutionSpace>& source_cost,
                                           const PointCloudCost<ExecutionSpace>& target_cost,
                                           const ProblemBatch<ExecutionSpace>& problems,
                                           const UnbalancedSettings& settings,
                                           const SinkhornDivergence<ExecutionSpace>& divergence,
                                           const Matrix<double, ExecutionSpace>& by_source,
                                           const Matrix<double, ExecutionSpace>& by_target) {
  differentiate_by_positions(space, cost, problems, settings, divergence.between, by_source,
                             by_target);
  const auto subtract_own = [&](const auto& own_cost, const auto& measures, const auto& index,
                                const auto& row, const auto& solution, const auto& gradient) {
    if (gradient.extent(1) == 0) return;
    const auto own = rows_like<ExecutionSpace>(index, gradient);
    differentiate_by_positions<ExecutionSpace>(space, own_cost,
                                               self_problems<ExecutionSpace>(measures, index),
                                               settings, solution, own, {});
    subtract_rows<ExecutionSpace>(space, row, own, gradient);
  };
  subtract_own(source_cost, problems.source, divergence.source_index, divergence.source_row,
               divergence.source, by_source);
  subtract_own(target_cost, problems.target, divergence.target_index, divergence.target_row,
               divergence.target, by_target);
  space.fence();
}

#define OTFLEET_INSTANTIATE_COST(Space, Cost)                                                    \
  template SinkhornDivergence<Space> sinkhorn_divergence<Cost, Space>(                           \
      const Space&, const Cost&, const Cost&, const Cost&, const ProblemBatch<Space>&,           \
      const UnbalancedSettings&);                                                                \
  template void differentiate_divergence_by_weights<Cost, Space>(                                \
      const Space&, const Cost&, const Cost&, const Cost&, const ProblemBatch<Space>&,           \
      const UnbalancedSettings&, const SinkhornDivergence<Space>&, const Matrix<double, Space>&, \
      const Matrix<double, Space>&);
#define OTFLEET_INSTANTIATE(Space)                                                         \
  OTFLEET_INSTANTIATE_COST(Space, SeparableCost)                                           \
  OTFLEET_INSTANTIATE_COST(Space, PointCloudCost<Space>)                                   \
  template void differentiate_divergence_by_positions<Space>(                              \
      const Space&, const PointCloudCost<Space>&, const PointCloudCost<Space>&,            \
      const PointCloudCost<Space>&, const ProblemBatch<Space>&, const UnbalancedSettings&, \
      const SinkhornDivergence<Space>&, const Matrix<double, Space>&,                      \
      const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
