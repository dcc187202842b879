#pragma once
#include <optional>
#include <utility>

#include "src/models/checkpoint.hpp"
#include "src/trainers/gradient_averaging.hpp"

namespace otfleet {

/// Means over some steps, the same on every rank.
struct StepFigures {
  std::int64_t steps = 0;
  double loss = 0;           ///< mean over the batch of minus the dual value, in units of the cost,
                             ///< whichever loss is minimized
  double first_error = 0;    ///< mean error of the predictions
  double gradient_norm = 0;  ///< before clipping
};

/// Where the time of a training goes, wall seconds of this rank.
struct TrainingSeconds {
  double data = 0;       ///< drawing problems
  double forward = 0;    ///< predictions
  double loss = 0;       ///< the dual values of the predictions, and their slope
  double solve = 0;      ///< what predictions are compared with
  double backward = 0;   ///< without the averaging done meanwhile
  double averaging = 0;  ///< of gradients and figures, waiting for other ranks included
  double update = 0;     ///< of the weights

  TrainingSeconds operator*(double factor) const {
    return {data * factor,     forward * factor,   loss * factor,  solve * factor,
            backward * factor, averaging * factor, update * factor};
  }
};

/// Trains a model, step by step, data-parallel: a batch is split over the ranks, gradients are
/// summed (GradientAveraging), every rank makes the same step of the optimizer. The same seed and
/// batch give the same losses on any number of ranks, up to the order of floating-point sums.
class Trainer {
 public:
  virtual ~Trainer() = default;

  /// Makes step number state().step with `rate` times the learning rate, and counts it. Kernels may
  /// still run when it returns. Collective.
  virtual void step(double rate) = 0;

  /// Of the steps since the last call, for which it waits. Collective.
  virtual StepFigures figures() = 0;

  virtual TrainingState& state() = 0;

  /// Goes on from where a run ended; of one that has made no step, only what it depends on counts.
  void go_on(TrainingState unfinished) {
    if (unfinished.step > 0)
      state() = std::move(unfinished);
    else
      state().job = std::move(unfinished.job);
  }

  /// Of all steps made; on a GPU every 32nd is timed and stands for the others. Local.
  virtual TrainingSeconds seconds() const = 0;

  /// What averaging costs; none on one rank. Collective.
  virtual std::optional<AveragingFigures> averaging_figures() const = 0;
};

}  // namespace otfleet
