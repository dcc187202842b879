#include "kernels/api/outputs.hpp"

#include "kernels/api/detail/problems_state.hpp"
#include "kernels/outputs/barycentric_projection.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/outputs/sparse_plan.hpp"

namespace otfleet::kernels {

CertificateResult::CertificateResult(int batch)
    : dual_value("otfleet::certificate::dual_value", batch),
      transport_cost("otfleet::certificate::transport_cost", batch),
      upper_bound("otfleet::certificate::upper_bound", batch),
      lower_bound("otfleet::certificate::lower_bound", batch),
      marginal_error("otfleet::certificate::marginal_error", batch),
      left_out("otfleet::certificate::left_out", batch) {}

void certify(const Problems& problems, double epsilon, const DeviceArray<const double>& f,
             const DeviceArray<double>& g, const CertificateResult& result, double most_left_out) {
  const DeviceSpace space;
  Certificates<DeviceSpace> certificates;
  certificates.dual_value = view_of(result.dual_value);
  certificates.transport_cost = view_of(result.transport_cost);
  certificates.upper_bound = view_of(result.upper_bound);
  certificates.lower_bound = view_of(result.lower_bound);
  certificates.marginal_error = view_of(result.marginal_error);
  certificates.left_out = view_of(result.left_out);
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        if (most_left_out > 0)
          throw std::invalid_argument(
              "only problems with points of their own are certified block-sparse");
        const auto rows = g.empty() ? Matrix<double, DeviceSpace>() : shared.target_rows(g, "g");
        certify<DeviceSpace>(space, cost, shared.batch, epsilon, shared.source_rows(f, "f"), rows,
                             certificates);
      },
      [&](const OwnPointsProblems& clouds) {
        certify<DeviceSpace>(space, clouds.batch, epsilon, view_of(f), view_of(g), certificates,
                             most_left_out);
      });
}

void soft_c_transform(const Problems& problems, double epsilon,
                      const DeviceArray<const double>& from, const DeviceArray<double>& result,
                      Side to) {
  const DeviceSpace space;
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        const auto given = shared.potential_rows(other(to), from);
        const auto rows = shared.potential_rows(to, result);
        soft_c_transform<DeviceSpace>(space, cost, shared.batch, epsilon, given, rows, to);
      },
      [&](const OwnPointsProblems& clouds) {
        soft_c_transform<DeviceSpace>(space, clouds.batch, epsilon, view_of(from), view_of(result),
                                      to);
      });
}

void semi_dual(const Problems& problems, double epsilon, const DeviceArray<const double>& f,
               const DeviceArray<double>& value, const DeviceArray<double>& gradient) {
  const DeviceSpace space;
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        semi_dual<DeviceSpace>(space, cost, shared.batch, epsilon, shared.source_rows(f, "f"),
                               view_of(value), shared.source_rows(gradient, "gradient"));
      },
      [&](const OwnPointsProblems& clouds) {
        semi_dual<DeviceSpace>(space, clouds.batch, epsilon, view_of(f), view_of(value),
                               view_of(gradient));
      });
}

int coordinates(const Problems& problems, Projection direction) {
  return std::visit(
      [&](const auto& typed) {
        const auto& points =
            direction == Projection::to_target ? typed.target_points : typed.source_points;
        return static_cast<int>(points.extent(1));
      },
      problems.state().problems);
}

void barycentric_projection(const Problems& problems, double epsilon, Projection direction,
                            const DeviceArray<const double>& potential,
                            const DeviceArray<double>& projection) {
  const DeviceSpace space;
  const bool to_target = direction == Projection::to_target;
  const int d = coordinates(problems, direction);
  if (d == 0)
    throw std::invalid_argument(
        "a projection needs the coordinates of the points, but only their costs are known");
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        const auto& moved = to_target ? shared.batch.source : shared.batch.target;
        barycentric_projection<DeviceSpace>(
            space, cost, shared.batch, epsilon, direction,
            to_target ? shared.target_rows(potential, "potential")
                      : shared.source_rows(potential, "potential"),
            to_target ? shared.target_points : shared.source_points,
            shared.rows(projection, moved.points() * d, "projection"));
      },
      [&](const OwnPointsProblems& clouds) {
        barycentric_projection<DeviceSpace>(
            space, clouds.batch, epsilon, direction, view_of(potential),
            to_target ? clouds.target_points : clouds.source_points, view_of(projection));
      });
}

SparsePlanResult sparse_plan(const Problems& problems, double epsilon,
                             const DeviceArray<const double>& f, const DeviceArray<const double>& g,
                             const EntrySelection& selection) {
  SparsePlan<DeviceSpace> plan;
  visit(
      problems,
      [&](const SharedPointsProblems& shared, const auto& cost) {
        plan = sparse_plan<DeviceSpace>(DeviceSpace(), cost, shared.batch, epsilon,
                                        shared.source_rows(f, "f"), shared.target_rows(g, "g"),
                                        selection);
      },
      [&](const OwnPointsProblems& clouds) {
        plan = sparse_plan<DeviceSpace>(DeviceSpace(), clouds.batch, epsilon, view_of(f),
                                        view_of(g), selection);
      });
  return {array_of(plan.offsets), array_of(plan.columns), array_of(plan.values),
          array_of(plan.kept_mass)};
}

}  // namespace otfleet::kernels
