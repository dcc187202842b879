#pragma once
#include <cstdint>

#include "kernels/runtime.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {

/// Splits the time of training steps into phases. Kernels of a GPU run behind the host's back, and
/// waiting for them slows training down: there every 32nd step is timed, and stands for all.
class StepClock {
 public:
  void begin_step() {
    timed_ = !kernels::runs_on_gpu() || steps_ % sampled_every == 0;
    ++steps_;
    timed_steps_ += timed_;
    watch_ = LapWatch();
  }
  /// Adds the time since the last lap, or since the step began, to a phase.
  void lap(double& seconds) {
    if (!timed_) return;
    kernels::fence();
    watch_.lap(seconds);
  }
  bool timed() const { return timed_; }
  /// What sums of timed steps are to be multiplied by.
  double scale() const {
    return timed_steps_ > 0 ? static_cast<double>(steps_) / static_cast<double>(timed_steps_) : 1;
  }

 private:
  static constexpr std::int64_t sampled_every = 32;
  std::int64_t steps_ = 0, timed_steps_ = 0;
  bool timed_ = true;
  LapWatch watch_;
};

}  // namespace otfleet
