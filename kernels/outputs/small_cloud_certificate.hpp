#pragma once
#include "kernels/operators/in_lanes/small_clouds.hpp"
#include "kernels/outputs/certificate.hpp"

namespace otfleet::kernels {

/// Certificates of small problems: what certify() promises; g may be null. With empty certificates
/// what soft_c_transform() promises: g alone.
template <class ExecutionSpace>
void certify_small_clouds(const ExecutionSpace& space, const SmallClouds<ExecutionSpace>& problems,
                          const GroundCost& cost, double epsilon, const double* f, double* g,
                          const Certificates<ExecutionSpace>& certificates);

}  // namespace otfleet::kernels
