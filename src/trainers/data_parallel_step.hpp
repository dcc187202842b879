#pragma once
#include <optional>

#include "distributed/communicator.hpp"
#include "src/job.hpp"
#include "src/models/checkpoint.hpp"
#include "src/trainers/figure_window.hpp"
#include "src/trainers/gradient_averaging.hpp"
#include "src/trainers/optimizers/optimizer.hpp"
#include "src/trainers/step_clock.hpp"
#include "src/trainers/trainer.hpp"

namespace otfleet {

/// What a job says about the optimizer.
OptimizerSettings optimizer_settings(const Job& job);

/// The half of a training step that all trainers share: the backward pass, with gradients summed
/// over the ranks, and the optimizer.
class DataParallelStep {
 public:
  /// Keeps a reference to `model`. Weights are those of rank 0, the optimizer's state is fresh.
  /// Collective.
  DataParallelStep(const OptimizerSettings& settings, const distributed::Communicator& communicator,
                   TrainedModel& model);

  /// Where this rank's parts of a step's figures go, in the order of `Figure`, before run().
  enum Figure { loss, first_error, lost_samples, squared_gradient_norm, figures_a_step };
  DeviceArray<double> figures_of_step();

  /// Runs `pass` and makes step number state().step with `rate` times the learning rate; counts it.
  /// `row`: the step's figures, which get the gradient's. Collective.
  void run(const BackwardPass& pass, const DeviceArray<double>& row, double rate, StepClock& clock,
           TrainingSeconds& seconds);

  /// Means over the steps since the last call, for which it waits. Where more than half of the
  /// samples, `batch` a step, were lost the loss is NaN. Collective.
  StepFigures figures(std::int64_t batch);

  TrainingState& state() { return state_; }
  std::optional<AveragingFigures> averaging_figures() const;

 private:
  OptimizerSettings settings_;
  distributed::Communicator communicator_;
  TrainedModel& model_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<GradientAveraging> averaging_;  ///< none on one rank
  FigureWindow window_;
  TrainingState state_;
};

}  // namespace otfleet
