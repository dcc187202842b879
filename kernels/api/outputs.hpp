#pragma once
#include <cstdint>

#include "kernels/api/problems.hpp"
#include "kernels/operators/side.hpp"
#include "kernels/outputs/entry_selection.hpp"
#include "kernels/outputs/projection_direction.hpp"

// What is known of solutions, on any geometry. Mathematics, conventions and errors are those of the
// templates of the same names in outputs/; where a geometry has no implementation they throw
// std::invalid_argument and say so. Potentials are flat, see Problems. Local, but for
// Problems::distributed().

namespace otfleet::kernels {

/// As Certificates; all [B].
struct CertificateResult {
  DeviceArray<double> dual_value, transport_cost, upper_bound, lower_bound, marginal_error,
      left_out;

  CertificateResult() = default;
  explicit CertificateResult(int batch);
};

/// Fills g, if it is not empty. most_left_out > 0: for problems with points of their own.
void certify(const Problems& problems, double epsilon, const DeviceArray<const double>& f,
             const DeviceArray<double>& g, const CertificateResult& result,
             double most_left_out = 0);

/// From f to g, or with `to` = Side::source from g to f.
void soft_c_transform(const Problems& problems, double epsilon,
                      const DeviceArray<const double>& from, const DeviceArray<double>& result,
                      Side to = Side::target);

/// value [B]; gradient as f.
void semi_dual(const Problems& problems, double epsilon, const DeviceArray<const double>& f,
               const DeviceArray<double>& value, const DeviceArray<double>& gradient);

/// The coordinates of a point of the side that moves to; 0: no points are known.
int coordinates(const Problems& problems, Projection direction);
/// With the points that the problems were made with; `projection` has coordinates() entries for
/// every point that is moved. Throws std::invalid_argument where they were made without.
void barycentric_projection(const Problems& problems, double epsilon, Projection direction,
                            const DeviceArray<const double>& potential,
                            const DeviceArray<double>& projection);

/// As SparsePlan.
struct SparsePlanResult {
  DeviceArray<std::int64_t> offsets;
  DeviceArray<int> columns;
  DeviceArray<double> values, kept_mass;
};

SparsePlanResult sparse_plan(const Problems& problems, double epsilon,
                             const DeviceArray<const double>& f, const DeviceArray<const double>& g,
                             const EntrySelection& selection);

}  // namespace otfleet::kernels
