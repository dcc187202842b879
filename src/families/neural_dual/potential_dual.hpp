#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

#include "kernels/api/conjugates.hpp"
#include "kernels/api/losses.hpp"
#include "kernels/api/network.hpp"
#include "kernels/api/paths.hpp"
#include "kernels/training/expectile_settings.hpp"
#include "src/families/neural_dual/conjugate_options.hpp"
#include "src/trainers/optimizers/optimizer.hpp"

namespace otfleet {

struct DualTrainerSettings {
  std::int64_t batch = 1024;  ///< samples of each side per step, over all ranks together
  TrainingLoss loss = TrainingLoss::regression;
  ConjugateOptions conjugate;
  std::optional<kernels::ExpectileSettings> regularizer;
  std::optional<kernels::LeastActionCost> cost;  ///< none: half of the squared distance
  std::int64_t anneal_steps = 0;                 ///< over which the cost's barriers grow
  OptimizerSettings optimizer;
};

/// The dual of one potential at samples of both sides, see DualTrainer, and what its slopes by the
/// potential's weights take. Holds the memory for it; potentials come from outside. Local.
class PotentialDual {
 public:
  /// `points`: samples of either side. Of the settings, loss, conjugate and regularizer count.
  PotentialDual(const DualTrainerSettings& settings, std::int64_t points, std::int64_t dimension);

  /// [points, D], samples of the potential's side, which the caller fills.
  DeviceArray<float, 2> x() const { return points_.rows(0, rows_); }

  /// The potential's part at x(). `point_slope` [points, D] becomes the slope of the loss
  /// "objective" by the predictions of the minimizers for y [points, D], divided by `samples`;
  /// empty: predictions do not learn.
  void evaluate(kernels::Network<float>& potential, const DeviceArray<const float, 2>& y,
                const DeviceArray<const float, 2>& prediction, double samples,
                const DeviceArray<float, 2>& point_slope = {});
  /// After evaluate(), with the same arguments: solves the conjugates at y from the predictions on
  /// and sums the loss, all divided by `samples`.
  /// `paths` [points, numbers]: predicted ones, or nothing.
  kernels::DualLoss solve(kernels::Network<float>& potential, const DeviceArray<const float, 2>& y,
                          const DeviceArray<const float, 2>& prediction, double samples,
                          const DeviceArray<const float, 2>& paths = {});
  /// Which bows are tried beside predicted paths, from now on; `first`: the number of the first
  /// point in the batch.
  void vary_bows(std::int64_t turn, std::int64_t first) { solver_.vary_bows(turn, first); }
  /// The cost with other parameters, from now on.
  void change_cost(const kernels::LeastActionCost& cost) { solver_.change(cost); }

  /// After solve(): the slope of the loss "regression". Samples without a minimizer have none,
  /// those whose minimizer another start found than a predicted path count more.
  void finish(const DeviceArray<const float, 2>& prediction, double samples,
              const DeviceArray<float, 2>& point_slope) const;
  /// The same by predicted paths.
  void finish_paths(const DeviceArray<const float, 2>& paths, double samples,
                    const DeviceArray<float, 2>& path_slope) const;
  void clear_lost_rows(const DeviceArray<float, 2>& point_slope) const;

  /// Of the last solve(): the slope of the loss is the weights' sum of derivatives at the points,
  /// [2 points, D], x and the minimizers.
  DeviceArray<const float, 2> points() const { return points_; }
  DeviceArray<const float> weights() const { return weights_; }

 private:
  TrainingLoss loss_;
  std::optional<kernels::ExpectileSettings> regularizer_;
  std::size_t rows_;
  kernels::ConjugateMinimizer<float> solver_;
  DeviceArray<float, 2> points_;
  DeviceArray<float> weights_;      ///< [2 B]
  DeviceArray<float, 2> gradient_;  ///< [B, D]
  DeviceArray<float, 2> paths_;     ///< [B, numbers] of the minimizers, where they are predicted
  DeviceArray<float> value_;
  kernels::ConjugateResult<float> conjugates_;
};

}  // namespace otfleet
