#pragma once
#include "kernels/initializers/spline_basis.hpp"
#include "kernels/operators/side.hpp"
#include "kernels/problems/cloud_batch.hpp"

// Potentials between clouds as networks give them: coefficients of splines in a frame of the
// problem, so that a network has inputs and outputs of one size, whatever the points of a cloud,
// their number and their order. All for clouds whose measures are whole on this rank; throw
// std::invalid_argument where they are not, where sizes do not fit and where points have more than
// most_spline_dimension coordinates. Local.

namespace otfleet::kernels {

/// The frames of problems, a row for each: maps from a point to its coordinates in the frame, of
/// the source and of the target, and the scale of potentials in units of the cost.
template <class ExecutionSpace>
struct SplineFrames {
  Matrix<const double, ExecutionSpace> rows;
  /// Do potentials have the Gaussian one (gaussian_initializer()) as their first term?
  bool gaussian = false;
};

/// For the cost |x − y|²: both clouds centered, whitened and turned so that in the frame the cost
/// is
///   const(x) + const(y) − 2 sum_p D_p u_p v_p,   D_1 >= … >= D_d,
/// the singular values of S_a^(1/2) S_b^(1/2), S the covariances. Problems that affine maps make of
/// each other share their frame as far as the map keeps the cost. Of the two directions of an axis
/// that one is up in which the third moments of both measures sum to something positive.
/// Directions in which both clouds spread by less than 1e-6 of their mean variance count as that.
/// The scale is the mean of D; zero where both clouds are points.
template <class ExecutionSpace>
SplineFrames<ExecutionSpace> pair_frames(const ExecutionSpace& space,
                                         const CloudBatch<ExecutionSpace>& problems);

/// The frame of `box` for all of them.
template <class ExecutionSpace>
SplineFrames<ExecutionSpace> box_frames(const ExecutionSpace& space,
                                        const CloudBatch<ExecutionSpace>& problems,
                                        const FrameBox& box);

/// What a network sees of one side: row k of inputs [B, basis.size() or more] has the sum of the
/// cloud's weights at each spline, times a quarter of the number of splines, less a quarter: 0 on
/// average. Where there is room and the frames are pair_frames(), the log of scale/epsilon and the
/// D_p/scale follow.
template <class ExecutionSpace>
void spline_inputs(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                   const SplineFrames<ExecutionSpace>& frames, const SplineBasis& basis, Side side,
                   double epsilon, const Matrix<float, ExecutionSpace>& inputs);

/// f [source points], flat: scale times the splines with coefficients [B, basis.size()], plus the
/// Gaussian potential where frames have it, plus epsilon log a; −inf where a is zero.
template <class ExecutionSpace>
void spline_potential(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                      const SplineFrames<ExecutionSpace>& frames, const SplineBasis& basis,
                      double epsilon, const Matrix<const float, ExecutionSpace>& coefficients,
                      const Vector<double, ExecutionSpace>& f);

/// The derivative by the coefficients [B, basis.size()] of what has the derivative `slope`
/// [source points], flat, by f. Always the same, whatever the order in which threads add.
template <class ExecutionSpace>
void spline_gradient(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                     const SplineFrames<ExecutionSpace>& frames, const SplineBasis& basis,
                     const Vector<const double, ExecutionSpace>& slope,
                     const Matrix<float, ExecutionSpace>& gradient);

}  // namespace otfleet::kernels
