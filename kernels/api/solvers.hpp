#pragma once
#include <cstddef>
#include <string>

#include "kernels/api/learned_start.hpp"
#include "kernels/solvers/multiscale/settings.hpp"
#include "kernels/solvers/newton/settings.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"
#include "kernels/solvers/unbalanced/settings.hpp"

// Solvers on any geometry. Mathematics, conventions and errors are those of the templates that are
// named; where a geometry has no implementation they throw std::invalid_argument and say so. Local,
// but for Problems::distributed().

namespace otfleet::kernels {

/// The arithmetic of a solver.
enum class Arithmetic { in_double, in_float };

/// Where instances stand: how a solver was left.
struct Progress {
  DeviceArray<int> iterations, status;  ///< [B]; status: Status
  DeviceArray<int> replaced;            ///< [B]: 1 where a start was given up for zeros

  Progress() = default;
  explicit Progress(int batch);
};

/// As sinkhorn(): f [source points] is the start, then the solution; error_trace [B, T] or empty;
/// `watch` is for problems with points of their own, `learned`, the start if there is any, for
/// those that share their points.
void solve_sinkhorn(const Problems& problems, const SinkhornSettings& settings,
                    Arithmetic arithmetic, bool from_zeros, const DeviceArray<double>& f,
                    const Progress& progress, const DeviceArray<double, 2>& error_trace = {},
                    const IterationWatch& watch = {}, const NetworkStart& learned = {});

/// As multiscale_sinkhorn(): problems with points of their own.
void solve_multiscale(const Problems& problems, const MultiscaleSettings& settings,
                      Arithmetic arithmetic, bool from_zeros, const DeviceArray<double>& f,
                      const Progress& progress, const IterationWatch& watch = {});
/// Why it does not take them; empty: it does.
std::string multiscale_complaint(const Problems& problems);

/// counts [S] grows by the problems of status s, for every s < S. Does not wait.
void add_statuses(const DeviceArray<const int>& status, const DeviceArray<std::int64_t>& counts);

/// As newton(): costs that are a table.
void solve_newton(const Problems& problems, const NewtonSettings& settings, bool from_zeros,
                  const DeviceArray<double>& f, const Progress& progress);

/// As UnbalancedSolution, f and g flat.
struct UnbalancedResult {
  DeviceArray<double> f, g;
  DeviceArray<double> mass_potential, dual_value, primal_value, transport_cost, transported_mass,
      residual;                         ///< [B]
  DeviceArray<int> iterations, status;  ///< [B]

  UnbalancedResult() = default;
  /// Of `batch` problems with `sources` and `targets` points in all.
  UnbalancedResult(int batch, std::size_t sources, std::size_t targets);
};

/// As the templates of these names. `watch` is for problems with points of their own.
void solve_unbalanced(const Problems& problems, const UnbalancedSettings& settings,
                      const UnbalancedResult& result, const IterationWatch& watch = {});
/// Problem k transports a measure to itself: its source.
void solve_self_transport(const Problems& problems, const UnbalancedSettings& settings,
                          const UnbalancedResult& result);

/// See geometry/symmetric_cost.hpp.
void check_symmetric(const SeparableCost& cost);

}  // namespace otfleet::kernels
