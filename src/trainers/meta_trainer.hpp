#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "distributed/communicator.hpp"
#include "src/models/checkpoint.hpp"
#include "src/models/potential_model.hpp"
#include "src/solvers/batch_solver.hpp"
#include "src/trainers/gradient_averaging.hpp"
#include "src/trainers/pair_sampler.hpp"

namespace otfleet {

/// What training minimizes, a mean over problems.
///   objective   minus the entropic dual value at (f, g(f)), f predicted (Meta OT, Amos et al.
///   2022).
///               No solution is needed: its derivative with respect to f is a − P1 (envelope
///               theorem), one pass of the semi_dual kernel.
///   regression  the distance to solved potentials (kernels::potential_distance). Every batch is
///               solved from its predictions, which costs less the better they are. Predictions
///               end up further from the marginals and closer to the solution: fewer iterations.
enum class TrainingLoss { objective, regression };

struct MetaTrainerSettings {
  double epsilon = 1e-2;
  std::int64_t batch = 128;  ///< problems per step, over all ranks together
  double learning_rate = 1e-3;
  double clip = 1;  ///< global gradient norm; 0: none
  TrainingLoss loss = TrainingLoss::objective;
  double target_threshold = 1e-3;  ///< regression: L1 marginal error of the solved potentials
  std::int64_t bucket_bytes = Job::Train().bucket_bytes;  ///< of GradientAveraging
};

/// What a job says about training.
MetaTrainerSettings trainer_settings(const Job& job);

/// One step's figures, the same on every rank.
struct StepFigures {
  double loss = 0;           ///< mean over the batch of minus the dual value, in units of the cost,
                             ///< whichever loss is minimized
  double first_error = 0;    ///< mean L1 marginal error of the predictions, |a − P1|
  double gradient_norm = 0;  ///< before clipping
};

/// Where the time of a training goes, wall seconds of this rank.
struct TrainingSeconds {
  double data = 0;       ///< drawing problems
  double forward = 0;    ///< predictions
  double loss = 0;       ///< the dual values of the predictions, and their slope
  double solve = 0;      ///< regression: the potentials to regress onto
  double backward = 0;   ///< without the averaging done meanwhile
  double averaging = 0;  ///< of gradients and figures, waiting for other ranks included
  double update = 0;     ///< of the weights
};

/// Trains a model on the problems of a population.
///
/// Data-parallel: a batch is split over the ranks, gradients are summed (GradientAveraging), every
/// rank makes the same Adam step. The same seed and batch give the same losses on any number of
/// ranks, up to the order of floating-point sums.
class MetaTrainer {
 public:
  /// Keeps references to `model` and `population`. Weights are those of rank 0. Collective.
  MetaTrainer(const MetaTrainerSettings& settings, const distributed::Communicator& communicator,
              const Population& population, const PairSampler& sampler, PotentialModel& model);

  /// Makes step number state().step with `rate` times the learning rate, and counts it. Collective.
  StepFigures step(double rate);

  TrainingState& state() { return state_; }

  /// Of all steps made. Local.
  const TrainingSeconds& seconds() const { return seconds_; }

  /// What averaging costs; none on one rank. Collective.
  std::optional<AveragingFigures> averaging_figures() const;

 private:
  void slope_towards_solutions(const kernels::ProblemBatch<ExecutionSpace>& problems);

  MetaTrainerSettings settings_;
  distributed::Communicator communicator_;
  const PairSampler& sampler_;
  PotentialModel& model_;
  std::optional<GradientAveraging> averaging_;  ///< none on one rank
  BatchSolver solver_;
  TrainingState state_;
  TrainingSeconds seconds_;
  std::int64_t first_ = 0, count_ = 0;                ///< this rank's part of a batch
  Matrix<double, ExecutionSpace> a_, b_, f_, slope_;  ///< slope: of the loss, by f
  Vector<int, ExecutionSpace> identity_;
  Vector<double, ExecutionSpace> value_;
};

}  // namespace otfleet
