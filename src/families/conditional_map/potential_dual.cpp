#include "src/families/conditional_map/potential_dual.hpp"

namespace otfleet {

PotentialDual::PotentialDual(const DualTrainerSettings& settings, std::int64_t points,
                             std::int64_t dimension)
    : loss_(settings.loss),
      regularizer_(settings.regularizer),
      rows_(static_cast<std::size_t>(points)),
      solver_(make_conjugate_minimizer<float>(settings.conjugate, static_cast<int>(points),
                                              static_cast<int>(dimension))) {
  const auto coordinates = static_cast<std::size_t>(dimension);
  points_ = DeviceArray<float, 2>("otfleet::training::points", 2 * rows_, coordinates);
  gradient_ = DeviceArray<float, 2>("otfleet::training::gradient", rows_, coordinates);
  weights_ = DeviceArray<float>("otfleet::training::weights", 2 * rows_);
  value_ = DeviceArray<float>("otfleet::training::value", rows_);
  conjugates_ = kernels::ConjugateResult<float>(rows_);
}

kernels::DualLoss PotentialDual::solve(kernels::Network<float>& potential,
                                       const DeviceArray<const float, 2>& x,
                                       const DeviceArray<const float, 2>& y,
                                       const DeviceArray<const float, 2>& prediction,
                                       double samples, const DeviceArray<float, 2>& point_slope) {
  const auto sources = points_.rows(0, rows_), minimizers = points_.rows(rows_, 2 * rows_);
  sources.copy_from(x);
  if (!point_slope.empty() && loss_ == TrainingLoss::objective) {
    potential.evaluate(prediction, value_, gradient_);
    kernels::scaled_difference(gradient_, y, 1 / samples, point_slope);
  }
  potential.evaluate(sources, value_, gradient_);
  minimizers.copy_from(prediction);
  solver_.minimize(potential, y, minimizers, conjugates_);
  const auto loss = kernels::dual_loss(value_, conjugates_, samples, minimizers, weights_);
  if (regularizer_)
    kernels::expectile_weights(*regularizer_, sources, y, value_, conjugates_, weights_);
  if (point_slope.empty()) return loss;
  if (loss_ == TrainingLoss::regression)
    kernels::scaled_difference(prediction, minimizers, 2 / samples, point_slope);
  kernels::clear_lost_rows(conjugates_.status, point_slope);
  return loss;
}

}  // namespace otfleet
