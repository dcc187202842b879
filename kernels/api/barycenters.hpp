#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/api/problems.hpp"
#include "kernels/device_array.hpp"
#include "kernels/free_support/settings.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/solvers/barycenter/settings.hpp"

// Barycenters for code that knows no Kokkos. Mathematics, conventions and errors are those of
// solvers/barycenter/barycenter.hpp, where the support is fixed, and of
// free_support/free_support.hpp, where it is free. Local.

namespace otfleet::kernels {

/// Measures on the device, and what transport to their points costs. A handle: copies share all.
class BarycenterMeasures {
 public:
  /// No measures.
  BarycenterMeasures();
  /// weights [M, m] on the host, in any units; `cost` [n, m]: the barycenters' points are its
  /// source side. Throws std::invalid_argument for weights that Measures refuses.
  BarycenterMeasures(const SeparableCost& cost, std::span<const double> weights);

  /// Points of a barycenter.
  int points() const;

  struct State;
  const State& state() const { return *state_; }

 private:
  std::shared_ptr<const State> state_;
};

/// As BarycenterBatch, on the host.
struct BarycenterSets {
  std::vector<std::int64_t> offsets = {0};  ///< [B + 1]
  std::vector<std::int32_t> measures;
  std::vector<double> weights;

  int size() const { return static_cast<int>(offsets.size()) - 1; }
};

/// As BarycenterSolution, with potentials and blur.
struct BarycenterResult {
  DeviceArray<double, 2> weights;                  ///< [B, n]
  DeviceArray<double, 2> f;                        ///< [offsets.back(), n]
  DeviceArray<double, 2> log_blur;                 ///< [B, n]
  DeviceArray<double> dual_value, mass, residual;  ///< [B]
  DeviceArray<int> iterations, status;             ///< [B]

  BarycenterResult() = default;
  /// All 0. `measures`: of all problems together.
  BarycenterResult(int batch, int points, std::int64_t measures);
};

void solve_barycenters(const BarycenterMeasures& measures, const BarycenterSets& sets,
                       const BarycenterSettings& settings, const BarycenterResult& result);

/// As FreeSupports.
struct FreeSupportResult {
  DeviceArray<double, 2> points;   ///< [B n, d]
  DeviceArray<double, 2> weights;  ///< [B, n]
  DeviceArray<double> f;           ///< [free_support_offsets().back()]
  DeviceArray<double, 2> last;     ///< [B n, d]
};

/// [B + 1]: where the potentials of a problem begin.
std::vector<std::int64_t> free_support_offsets(const Problems& measures,
                                               const BarycenterSets& sets);

/// The measures are the source's of problems with points of every measure's own; which problems
/// these are does not matter. Throws std::invalid_argument for points that all measures share.
void solve_free_supports(const Problems& measures, const BarycenterSets& sets,
                         const FreeSupportSettings& settings, std::span<const std::int32_t> which,
                         const FreeSupportResult& result, FreeSupportProgress& progress);
FreeSupportFigures certify_free_supports(const Problems& measures, const BarycenterSets& sets,
                                         double epsilon, const FreeSupportResult& result,
                                         const DeviceArray<double, 2>& potentials);

}  // namespace otfleet::kernels
