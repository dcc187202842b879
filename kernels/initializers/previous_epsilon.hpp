#pragma once
#include "kernels/initializers/settings.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"

namespace otfleet::kernels {

/// The start f of annealing: the problems solved loosely at epsilon factor^s, …, epsilon factor²,
/// epsilon factor, each from the stage before, where epsilon factor^s is the largest that is at
/// most a sixteenth of the largest difference of costs (there Sinkhorn's iteration is done at
/// once). Between stages and at the end f moves by the change of epsilon log a. Cost is a
/// SeparableCost or a PointCloudCost; every stage is sinkhorn() with momentum in Scalar. When
/// epsilon is already that large, f is epsilon log a.
///
/// f [B, n] on exit, in units of the cost, −inf where the weight is zero. Local. Work: a few
/// iterations a stage.
/// Throws std::invalid_argument: sizes that do not fit, settings out of range.
/// Source: epsilon scaling, Kosowsky & Yuille 1994; Schmitzer 2019, 'Stabilized sparse scaling
/// algorithms', section 3.2.
template <class Scalar, class ExecutionSpace, class Cost>
void previous_epsilon_initializer(const ExecutionSpace& space, const Cost& cost,
                                  const ProblemBatch<ExecutionSpace>& problems,
                                  const PreviousEpsilonSettings& settings,
                                  const Matrix<double, ExecutionSpace>& f);

/// f [source_offsets().back()]; all points of a measure on one rank. A problem's largest epsilon is
/// that of its own costs, so that starts do not depend on the batch.
template <class Scalar, class ExecutionSpace>
void previous_epsilon_initializer(const ExecutionSpace& space,
                                  const CloudBatch<ExecutionSpace>& problems,
                                  const PreviousEpsilonSettings& settings,
                                  const Vector<double, ExecutionSpace>& f);

}  // namespace otfleet::kernels
