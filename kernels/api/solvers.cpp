#include "kernels/api/solvers.hpp"

#include "kernels/api/detail/learned_start_views.hpp"
#include "kernels/api/detail/problems_state.hpp"
#include "kernels/problems/status_counts.hpp"
#include "kernels/solvers/multiscale/multiscale.hpp"
#include "kernels/solvers/newton/newton.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "kernels/solvers/unbalanced/unbalanced.hpp"

namespace otfleet::kernels {
namespace {

[[noreturn]] void refuse_watch() {
  throw std::invalid_argument("only problems with points of their own can be watched");
}

template <class Scalar>
void sinkhorn_in(const Problems& problems, const SinkhornSettings& settings, bool from_zeros,
                 const DeviceArray<double>& f, const Progress& progress,
                 const DeviceArray<double, 2>& trace, const IterationWatch& watch,
                 const NetworkStart& learned) {
  const DeviceSpace space;
  const auto iterations = view_of(progress.iterations), status = view_of(progress.status),
             replaced = view_of(progress.replaced);
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        if (watch) refuse_watch();
        const auto rows = shared.source_rows(f, "f");
        const auto solve = [&](const auto&... start) {
          sinkhorn<Scalar>(space, cost, shared.batch, settings, from_zeros, rows, iterations,
                           status, view_of(trace), replaced, start...);
        };
        if constexpr (std::is_same_v<decltype(cost), const SeparableCost&>) {
          solve(detail::learned_start(learned));
        } else {
          if (learned.any())
            learned_potential(space, detail::learned_start(learned), shared.batch, settings.epsilon,
                              rows);
          solve();
        }
      },
      [&](const OwnPointsProblems& clouds) {
        if (learned.any())
          throw std::invalid_argument("a network's start needs points that all problems share");
        sinkhorn<Scalar>(space, clouds.batch, settings, from_zeros, view_of(f), iterations, status,
                         view_of(trace), replaced, watch);
      });
}

/// The same elements as the templates know them.
UnbalancedFigures<DeviceSpace> figures_of(const UnbalancedResult& result) {
  UnbalancedFigures<DeviceSpace> figures;
  figures.mass_potential = view_of(result.mass_potential);
  figures.dual_value = view_of(result.dual_value);
  figures.primal_value = view_of(result.primal_value);
  figures.transport_cost = view_of(result.transport_cost);
  figures.transported_mass = view_of(result.transported_mass);
  figures.residual = view_of(result.residual);
  figures.iterations = view_of(result.iterations);
  figures.status = view_of(result.status);
  return figures;
}
UnbalancedSolution<DeviceSpace> solution_of(const SharedPointsProblems& problems,
                                            const UnbalancedResult& result) {
  UnbalancedSolution<DeviceSpace> solution;
  static_cast<UnbalancedFigures<DeviceSpace>&>(solution) = figures_of(result);
  solution.f = problems.source_rows(result.f, "f");
  solution.g = problems.target_rows(result.g, "g");
  return solution;
}
CloudPotentials<DeviceSpace> potentials_of(const UnbalancedResult& result) {
  return {view_of(result.f), view_of(result.g)};
}

}  // namespace

Progress::Progress(int batch)
    : iterations("otfleet::problems::iterations", batch),
      status("otfleet::problems::status", batch),
      replaced("otfleet::problems::replaced", batch) {}

UnbalancedResult::UnbalancedResult(int batch, std::size_t sources, std::size_t targets)
    : f("otfleet::unbalanced::f", sources),
      g("otfleet::unbalanced::g", targets),
      mass_potential("otfleet::unbalanced::mass_potential", batch),
      dual_value("otfleet::unbalanced::dual_value", batch),
      primal_value("otfleet::unbalanced::primal_value", batch),
      transport_cost("otfleet::unbalanced::transport_cost", batch),
      transported_mass("otfleet::unbalanced::transported_mass", batch),
      residual("otfleet::unbalanced::residual", batch),
      iterations("otfleet::unbalanced::iterations", batch),
      status("otfleet::unbalanced::status", batch) {}

void solve_sinkhorn(const Problems& problems, const SinkhornSettings& settings,
                    Arithmetic arithmetic, bool from_zeros, const DeviceArray<double>& f,
                    const Progress& progress, const DeviceArray<double, 2>& error_trace,
                    const IterationWatch& watch, const NetworkStart& learned) {
  if (arithmetic == Arithmetic::in_float)
    sinkhorn_in<float>(problems, settings, from_zeros, f, progress, error_trace, watch, learned);
  else
    sinkhorn_in<double>(problems, settings, from_zeros, f, progress, error_trace, watch, learned);
}

void solve_multiscale(const Problems& problems, const MultiscaleSettings& settings,
                      Arithmetic arithmetic, bool from_zeros, const DeviceArray<double>& f,
                      const Progress& progress, const IterationWatch& watch) {
  const auto complaint = multiscale_complaint(problems);
  if (!complaint.empty()) throw std::invalid_argument("the multiscale solver: " + complaint);
  const auto& batch = std::get<OwnPointsProblems>(problems.state().problems).batch;
  const auto solve = [&](auto scalar) {
    multiscale_sinkhorn<decltype(scalar)>(DeviceSpace(), batch, settings, from_zeros, view_of(f),
                                          view_of(progress.iterations), view_of(progress.status),
                                          view_of(progress.replaced), watch);
  };
  if (arithmetic == Arithmetic::in_float)
    solve(0.0F);
  else
    solve(0.0);
}

std::string multiscale_complaint(const Problems& problems) {
  std::string complaint;
  visit(
      problems,
      [&](const SharedPointsProblems&, const auto&) {
        complaint = "it needs measures that each have points of their own";
      },
      [&](const OwnPointsProblems& clouds) {
        const auto& source = clouds.batch.source;
        if (clouds.batch.costs.extent(0) > 0 || source.dimension() == 0)
          complaint = "it needs points, these problems have costs alone";
        else
          complaint = multiscale_complaint(source.ground_cost(), source.dimension());
      });
  return complaint;
}

void add_statuses(const DeviceArray<const int>& status, const DeviceArray<std::int64_t>& counts) {
  add_statuses<DeviceSpace>(DeviceSpace(), view_of(status), view_of(counts));
}

void solve_newton(const Problems& problems, const NewtonSettings& settings, bool from_zeros,
                  const DeviceArray<double>& f, const Progress& progress) {
  const auto* cost = problems.table();
  if (cost == nullptr)
    throw std::invalid_argument(
        "Newton's method needs costs that are stored: a grid or a dense matrix");
  const auto& shared = std::get<SharedPointsProblems>(problems.state().problems);
  newton(DeviceSpace(), *cost, shared.batch, settings, from_zeros, shared.source_rows(f, "f"),
         view_of(progress.iterations), view_of(progress.status));
}

void solve_unbalanced(const Problems& problems, const UnbalancedSettings& settings,
                      const UnbalancedResult& result, const IterationWatch& watch) {
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        if (watch) refuse_watch();
        solve_unbalanced(DeviceSpace(), cost, shared.batch, settings, solution_of(shared, result));
      },
      [&](const OwnPointsProblems& clouds) {
        solve_unbalanced(DeviceSpace(), clouds.batch, settings, potentials_of(result),
                         figures_of(result), watch);
      });
}

void solve_self_transport(const Problems& problems, const UnbalancedSettings& settings,
                          const UnbalancedResult& result) {
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        solve_self_transport(DeviceSpace(), cost, shared.batch.source, shared.batch.source_index,
                             settings, solution_of(shared, result));
      },
      [&](const OwnPointsProblems& clouds) {
        solve_self_transport(DeviceSpace(), clouds.batch, settings, potentials_of(result),
                             figures_of(result));
      });
}

}  // namespace otfleet::kernels
