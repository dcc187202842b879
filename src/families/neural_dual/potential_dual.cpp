#include "src/families/neural_dual/potential_dual.hpp"

#include "src/families/neural_dual/conjugate_solver.hpp"

namespace otfleet {
namespace {

/// A bow is tried in one step of three, and few of those lead anywhere: what they find has to
/// outweigh the predictions that stay where they are.
constexpr double bow_weight = 16;

}  // namespace

PotentialDual::PotentialDual(const DualTrainerSettings& settings, std::int64_t points,
                             std::int64_t dimension)
    : loss_(settings.loss),
      regularizer_(settings.regularizer),
      rows_(static_cast<std::size_t>(points)),
      solver_(make_conjugate_minimizer<float>(settings.conjugate, static_cast<int>(points),
                                              static_cast<int>(dimension), settings.cost)) {
  const auto coordinates = static_cast<std::size_t>(dimension);
  points_ = DeviceArray<float, 2>("otfleet::training::points", 2 * rows_, coordinates);
  gradient_ = DeviceArray<float, 2>("otfleet::training::gradient", rows_, coordinates);
  weights_ = DeviceArray<float>("otfleet::training::weights", 2 * rows_);
  value_ = DeviceArray<float>("otfleet::training::value", rows_);
  conjugates_ = kernels::ConjugateResult<float>(rows_);
}

void PotentialDual::evaluate(kernels::Network<float>& potential,
                             const DeviceArray<const float, 2>& y,
                             const DeviceArray<const float, 2>& prediction, double samples,
                             const DeviceArray<float, 2>& point_slope) {
  if (!point_slope.empty() && loss_ == TrainingLoss::objective) {
    potential.evaluate(prediction, value_, gradient_);
    kernels::scaled_difference(gradient_, y, 1 / samples, point_slope);
  }
  potential.evaluate(x(), value_, gradient_);
}

kernels::DualLoss PotentialDual::solve(kernels::Network<float>& potential,
                                       const DeviceArray<const float, 2>& y,
                                       const DeviceArray<const float, 2>& prediction,
                                       double samples, const DeviceArray<const float, 2>& paths) {
  const auto minimizers = points_.rows(rows_, 2 * rows_);
  minimizers.copy_from(prediction);
  if (!paths.empty()) {
    if (paths_.empty())
      paths_ = DeviceArray<float, 2>("otfleet::training::paths", paths.extent(0), paths.extent(1));
    paths_.copy_from(paths);
  }
  solver_.minimize(potential, y, minimizers, conjugates_,
                   paths.empty() ? DeviceArray<float, 2>() : paths_);
  const auto loss = kernels::dual_loss(value_, conjugates_, samples, minimizers, weights_);
  if (regularizer_)
    kernels::expectile_weights(*regularizer_, x(), y, value_, conjugates_, weights_);
  return loss;
}

void PotentialDual::finish(const DeviceArray<const float, 2>& prediction, double samples,
                           const DeviceArray<float, 2>& point_slope) const {
  if (loss_ == TrainingLoss::regression)
    kernels::scaled_difference(prediction, points_.rows(rows_, 2 * rows_), 2 / samples,
                               point_slope);
  clear_lost_rows(point_slope);
  if (!paths_.empty()) kernels::weigh_bows(conjugates_.bow, bow_weight, point_slope);
}

void PotentialDual::finish_paths(const DeviceArray<const float, 2>& paths, double samples,
                                 const DeviceArray<float, 2>& path_slope) const {
  kernels::scaled_difference(paths, paths_, 2 / samples, path_slope);
  clear_lost_rows(path_slope);
  kernels::weigh_bows(conjugates_.bow, bow_weight, path_slope);
}

void PotentialDual::clear_lost_rows(const DeviceArray<float, 2>& point_slope) const {
  kernels::clear_lost_rows(conjugates_.status, point_slope);
}

}  // namespace otfleet
