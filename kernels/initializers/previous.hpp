#pragma once
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

// Starts from the solutions of earlier problems of a sequence. `near` and `far`: the potentials of
// the problem before and of the one before that, both evaluated at the points of this one by a
// half-step (soft_c_transform() to the source). All arrays have the shape of the potential f of
// other starts: [B, n], or flat [source_offsets().back()] where every measure has points of its
// own; units of the cost. Local; all points of a measure on one rank. Throw std::invalid_argument
// when sizes do not fit. (Extrapolated duals of the previous batch: arXiv 2506.05526; the share by
// least squares is ours.)

namespace otfleet::kernels {

/// f = near + share (near − far), share [B]. −inf where the weight is zero; 0 where `near` is not
/// finite, since the earlier target had nothing that may go there. Work: n an instance.
template <class ExecutionSpace>
void extrapolate(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems,
                 const Matrix<const double, ExecutionSpace>& near,
                 const Matrix<const double, ExecutionSpace>& far,
                 const Vector<const double, ExecutionSpace>& share,
                 const Matrix<double, ExecutionSpace>& f);
template <class ExecutionSpace>
void extrapolate(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                 const Vector<const double, ExecutionSpace>& near,
                 const Vector<const double, ExecutionSpace>& far,
                 const Vector<const double, ExecutionSpace>& share,
                 const Vector<double, ExecutionSpace>& f);

/// The share, from 0 to 1, with which extrapolate() would have come nearest to the solution f: by
/// least squares weighted by the source, up to a constant. share [B]. Work: n an instance.
template <class ExecutionSpace>
void fit_extrapolation(const ExecutionSpace& space, const ProblemBatch<ExecutionSpace>& problems,
                       const Matrix<const double, ExecutionSpace>& near,
                       const Matrix<const double, ExecutionSpace>& far,
                       const Matrix<const double, ExecutionSpace>& f,
                       const Vector<double, ExecutionSpace>& share);
template <class ExecutionSpace>
void fit_extrapolation(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                       const Vector<const double, ExecutionSpace>& near,
                       const Vector<const double, ExecutionSpace>& far,
                       const Vector<const double, ExecutionSpace>& f,
                       const Vector<double, ExecutionSpace>& share);

}  // namespace otfleet::kernels
