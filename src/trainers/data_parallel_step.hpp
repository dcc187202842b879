#pragma once
#include <optional>
#include <span>

#include "distributed/communicator.hpp"
#include "kernels/training/adam_settings.hpp"
#include "src/job.hpp"
#include "src/models/checkpoint.hpp"
#include "src/runs/stop_watch.hpp"
#include "src/trainers/gradient_averaging.hpp"
#include "src/trainers/trainer.hpp"

namespace otfleet {

struct OptimizerSettings {
  kernels::AdamSettings adam;                               ///< its rate is that of the first step
  double clip = 1;                                          ///< global gradient norm; 0: none
  std::int64_t bucket_bytes = TrainOptions().bucket_bytes;  ///< of GradientAveraging
};

/// What a job says about the optimizer.
OptimizerSettings optimizer_settings(const Job& job);

/// The half of a training step that all trainers share: the backward pass, with gradients summed
/// over the ranks, and the optimizer.
class DataParallelStep {
 public:
  /// Keeps a reference to `model`. Weights are those of rank 0, moments zero. Collective.
  DataParallelStep(const OptimizerSettings& settings, const distributed::Communicator& communicator,
                   TrainedModel& model);

  /// Runs `pass` and makes step number state().step with `rate` times the learning rate; counts it.
  /// `sums`: this rank's parts of the loss, the first error and whatever else; becomes that of all
  /// ranks. `watch` goes on from what came before. Collective.
  StepFigures run(const BackwardPass& pass, std::span<double> sums, double rate, LapWatch& watch,
                  TrainingSeconds& seconds);

  TrainingState& state() { return state_; }
  std::optional<AveragingFigures> averaging_figures() const;

 private:
  OptimizerSettings settings_;
  distributed::Communicator communicator_;
  TrainedModel& model_;
  std::optional<GradientAveraging> averaging_;  ///< none on one rank
  TrainingState state_;
};

}  // namespace otfleet
