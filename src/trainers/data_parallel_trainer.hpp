#pragma once
#include <cstdint>
#include <optional>

#include "src/trainers/data_parallel_step.hpp"
#include "src/trainers/trainer.hpp"

namespace otfleet {

/// What trainers whose steps end in a DataParallelStep have in common: all but the step.
class DataParallelTrainer : public Trainer {
 public:
  StepFigures figures() final { return update_.figures(samples_of_step_); }
  TrainingState& state() final { return update_.state(); }
  TrainingSeconds seconds() const final { return seconds_ * clock_.scale(); }
  std::optional<AveragingFigures> averaging_figures() const final {
    return update_.averaging_figures();
  }

 protected:
  /// `samples` of a step, over all ranks together. Keeps a reference to `model`. Collective.
  DataParallelTrainer(const OptimizerSettings& optimizer,
                      const distributed::Communicator& communicator, TrainedModel& model,
                      std::int64_t samples)
      : update_(optimizer, communicator, model), samples_of_step_(samples) {}

  DataParallelStep update_;
  TrainingSeconds seconds_;
  StepClock clock_;

 private:
  std::int64_t samples_of_step_;
};

}  // namespace otfleet
