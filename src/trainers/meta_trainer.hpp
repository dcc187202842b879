#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "distributed/communicator.hpp"
#include "src/reports/convergence.hpp"
#include "src/trainers/data_parallel_trainer.hpp"
#include "src/trainers/training_samples.hpp"

namespace otfleet {

struct MetaTrainerSettings {
  double epsilon = 1e-2;
  std::int64_t batch = 128;                     ///< problems per step, over all ranks together
  TrainingLoss loss = TrainingLoss::objective;  ///< or regression
  double target_threshold = 1e-3;  ///< regression: L1 marginal error of the solved potentials
  OptimizerSettings optimizer;
};

/// What a job says about training.
MetaTrainerSettings trainer_settings(const Job& job);

/// Trains a model on the problems of a population. What training minimizes is a mean over problems.
///   objective   minus the entropic dual value at (f, g(f)), f predicted (Meta OT, Amos et al.
///   2022).
///               No solution is needed: its derivative with respect to f is a − P1 (envelope
///               theorem), one pass of the semi_dual kernel.
///   regression  the distance to solved potentials (kernels::potential_distance). Every batch is
///               solved from its predictions, which costs less the better they are. Predictions
///               end up further from the marginals and closer to the solution: fewer iterations.
/// A step's first error is the mean L1 marginal error of the predictions, |a − P1|.
class MetaTrainer final : public DataParallelTrainer {
 public:
  /// `samples` are of `model`, to which it keeps a reference. Weights are those of rank 0.
  /// Collective.
  MetaTrainer(const MetaTrainerSettings& settings, const distributed::Communicator& communicator,
              std::unique_ptr<TrainingSamples> samples, StartModel& model);

  void step(double rate) override;

  /// How the problems that predictions are regressed onto ended, in this run, on this rank; none
  /// for TrainingLoss::objective. Local.
  StatusCounts target_statuses() const;
  /// How they are solved. Local.
  SolverOptions target_solver() const;

 private:
  void slope_towards_solutions();

  MetaTrainerSettings settings_;
  std::unique_ptr<TrainingSamples> samples_;
  std::int64_t first_ = 0, count_ = 0;         ///< this rank's part of a batch
  DeviceArray<double> value_, f_, slope_;      ///< slope: of the loss, by f; both flat
  DeviceArray<std::int64_t> target_statuses_;  ///< how many ended how
  DeviceArray<double> distance_;
};

}  // namespace otfleet
