#pragma once
#include <functional>

#include "kernels/clouds/cloud_batch.hpp"
#include "kernels/clouds/point_cloud_cost.hpp"
#include "kernels/sinkhorn/certificate.hpp"
#include "kernels/sinkhorn/semi_dual.hpp"
#include "kernels/sinkhorn/sinkhorn.hpp"
#include "kernels/sinkhorn/soft_c_transform.hpp"

// The functions of kernels/sinkhorn for clouds of points, with the same conventions. Weights lie on
// points that all problems share (PointCloudCost), or every measure has points of its own
// (CloudBatch; arrays over points are then flat, one problem after the other, with CloudBatch's
// offsets). A problem looks only at the points where its weights are positive. Problems are taken
// one after the other, every pass over the pairs runs on all threads; small problems of a
// CloudBatch (small_clouds.hpp) are solved, certified and transformed many at a time, whoever they
// share the batch with. No array has n·m entries: memory is O((n + m) d), at most 1 GiB for the
// small ones. Of measures that are spread over several memories (CloudPeers), functions are
// collective: each holder passes and gets the rows of its own points, and all of the figures.

namespace otfleet::kernels {

/// As the overload for SeparableCost; always in the logarithmic domain. Work: two passes over the
/// pairs an iteration, four while potentials still move by more than 41 epsilon. float: exponents
/// carry about 1e-7 of (largest cost)/epsilon, which bounds from below what marginal error can be
/// reached.
/// Throws std::invalid_argument also when `settings.path` asks for the scaling path, and when costs
/// do not fit into Scalar.
template <class Scalar, class ExecutionSpace>
void sinkhorn(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
              const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings,
              bool from_zeros, const Matrix<double, ExecutionSpace>& f,
              const Vector<int, ExecutionSpace>& iterations,
              const Vector<int, ExecutionSpace>& status,
              const Matrix<double, ExecutionSpace>& error_trace = {},
              const Vector<int, ExecutionSpace>& replaced = {});
/// Looks on while a problem is solved: called with the iterations made when another one is about to
/// begin. store() puts the potential as it is into the problem's row of f. False ends the problem
/// there, as max_iterations would.
using IterationWatch = std::function<bool(int iterations, const std::function<void()>& store)>;

/// f [source_offsets().back()]. With peers, `watch` is called on every holder and has to answer
/// the same on all. Problems that are watched are all taken one after the other.
template <class Scalar, class ExecutionSpace>
void sinkhorn(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
              const SinkhornSettings& settings, bool from_zeros,
              const Vector<double, ExecutionSpace>& f,
              const Vector<int, ExecutionSpace>& iterations,
              const Vector<int, ExecutionSpace>& status,
              const Matrix<double, ExecutionSpace>& error_trace = {},
              const Vector<int, ExecutionSpace>& replaced = {}, const IterationWatch& watch = {});

/// As the overload for SeparableCost, with zero for the smallest cost. Work: ten passes over the
/// pairs an instance, in double.
template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
             const ProblemBatch<ExecutionSpace>& problems, double epsilon,
             const Matrix<const double, ExecutionSpace>& f, const Matrix<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& certificates);
/// f [source_offsets().back()]; g [target_offsets().back()] or empty.
template <class ExecutionSpace>
void certify(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
             double epsilon, const Vector<const double, ExecutionSpace>& f,
             const Vector<double, ExecutionSpace>& g,
             const Certificates<ExecutionSpace>& certificates);

/// As the overload for SeparableCost. Work: three passes over the pairs an instance, in double.
template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
               const ProblemBatch<ExecutionSpace>& problems, double epsilon,
               const Matrix<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Matrix<double, ExecutionSpace>& gradient);
/// f and gradient [source_offsets().back()].
template <class ExecutionSpace>
void semi_dual(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
               double epsilon, const Vector<const double, ExecutionSpace>& f,
               const Vector<double, ExecutionSpace>& value,
               const Vector<double, ExecutionSpace>& gradient);

/// As the overload for SeparableCost. Work: two passes over the pairs an instance, in double.
template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const PointCloudCost<ExecutionSpace>& cost,
                      const ProblemBatch<ExecutionSpace>& problems, double epsilon,
                      const Matrix<const double, ExecutionSpace>& f,
                      const Matrix<double, ExecutionSpace>& g);
/// f [source_offsets().back()], g [target_offsets().back()].
template <class ExecutionSpace>
void soft_c_transform(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                      double epsilon, const Vector<const double, ExecutionSpace>& f,
                      const Vector<double, ExecutionSpace>& g);

}  // namespace otfleet::kernels
