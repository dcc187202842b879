#pragma once
#include "kernels/outputs/barycentric_projection.hpp"
#include "kernels/outputs/unit_points.hpp"

namespace otfleet::kernels {

/// As barycentric_projection() of clouds, where points that many batches share were made unit
/// points once: those of the measures of the side that the potential belongs to.
template <class ExecutionSpace>
void project_clouds(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                    double epsilon, Projection direction,
                    const Vector<const double, ExecutionSpace>& potential,
                    const UnitPoints<ExecutionSpace>& points,
                    const Vector<double, ExecutionSpace>& projection);

}  // namespace otfleet::kernels
