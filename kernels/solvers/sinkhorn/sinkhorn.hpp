#pragma once
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/learned_start.hpp"
#include "kernels/problems/problem_batch.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"

namespace otfleet::kernels {

/// Solves a batch of entropic OT problems, max over f, g of
///   <f, a> + <g, b> − epsilon sum_ij exp((f_i + g_j − C_ij)/epsilon) (+ epsilon mass),
/// by Sinkhorn's iteration (Cuturi 2013).
///
/// The state of an instance is (f, g(f)) with g the half-step that makes the marginal b exact, so
/// its error is |P1 − a|_1 over the mass, and zero iterations means that the start was good enough.
/// An iteration is one update of f followed by that half-step. Every instance stops on its own; its
/// lane is given to the next waiting instance at once, so a slow instance holds nobody. Results do
/// not depend on which instances share a tile, a team or a rank.
///
/// f [B, n], in units of the cost: the start on entry (−inf allowed; ignored where `from_zeros`),
/// the solution on exit, with −inf where the weight is zero; defined up to a constant.
/// iterations [B], status [B]: what each stopped for in Scalar arithmetic; final_status() has the
/// last word, with the error that certify() finds.
/// learned: if any, the start, which f does not hold then. Where the observer ends an instance
/// before its first iteration, its f stays as it was.
/// replaced [B] or empty: 1 where the given start was worse than zeros and these were taken.
/// error_trace [B, T] or empty: entry t is the error (share of the mass) after t iterations, for t
/// < T; instances that stop earlier leave the rest as it was. Local. Work: 2 applications of the
/// kernel an iteration and instance; memory: a few tiles a team. Throws std::invalid_argument:
/// sizes that do not fit, settings out of range, a scaling path that was asked for and is not safe.
template <class Scalar, class ExecutionSpace>
void sinkhorn(const ExecutionSpace& space, const SeparableCost& cost,
              const ProblemBatch<ExecutionSpace>& problems, const SinkhornSettings& settings,
              bool from_zeros, const Matrix<double, ExecutionSpace>& f,
              const Vector<int, ExecutionSpace>& iterations,
              const Vector<int, ExecutionSpace>& status,
              const Matrix<double, ExecutionSpace>& error_trace = {},
              const Vector<int, ExecutionSpace>& replaced = {},
              const LearnedStart<ExecutionSpace>& learned = {});

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

/// f [source_offsets().back()]. With communicator, `watch` is called on every rank and has to
/// answer the same on all. Problems that are watched are all taken one after the other.
template <class Scalar, class ExecutionSpace>
void sinkhorn(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
              const SinkhornSettings& settings, bool from_zeros,
              const Vector<double, ExecutionSpace>& f,
              const Vector<int, ExecutionSpace>& iterations,
              const Vector<int, ExecutionSpace>& status,
              const Matrix<double, ExecutionSpace>& error_trace = {},
              const Vector<int, ExecutionSpace>& replaced = {}, const IterationWatch& watch = {});

}  // namespace otfleet::kernels
