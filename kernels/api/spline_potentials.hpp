#pragma once
#include "kernels/api/problems.hpp"
#include "kernels/initializers/spline_basis.hpp"
#include "kernels/operators/side.hpp"

// Potentials between clouds as networks give them, as in initializers/spline_potential.hpp: a
// network sees every problem as numbers of one size, and gives the coefficients of splines. For
// problems in which every measure has points of its own; the rest throws std::invalid_argument.
// Local.

namespace otfleet::kernels {

/// As the frames of that header; a row for each problem.
struct SplineFrameRows {
  DeviceArray<const double, 2> rows;
  bool gaussian = false;
};

SplineFrameRows pair_frames(const Problems& problems);
SplineFrameRows box_frames(const Problems& problems, const FrameBox& box);

/// inputs [B, basis.size()], or [B, basis.size() + extra_spline_inputs(basis)].
void spline_inputs(const Problems& problems, const SplineFrameRows& frames,
                   const SplineBasis& basis, Side side, double epsilon,
                   const DeviceArray<float, 2>& inputs);

/// f [source points], flat.
void spline_potential(const Problems& problems, const SplineFrameRows& frames,
                      const SplineBasis& basis, double epsilon,
                      const DeviceArray<const float, 2>& coefficients,
                      const DeviceArray<double>& f);

/// slope [source points], flat; gradient [B, basis.size()].
void spline_gradient(const Problems& problems, const SplineFrameRows& frames,
                     const SplineBasis& basis, const DeviceArray<const double>& slope,
                     const DeviceArray<float, 2>& gradient);

/// a [source points], flat: the shares of the source's mass.
void source_shares(const Problems& problems, const DeviceArray<double>& a);

}  // namespace otfleet::kernels
