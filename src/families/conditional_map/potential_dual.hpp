#pragma once
#include <cstddef>

#include "kernels/api/conjugates.hpp"
#include "kernels/api/losses.hpp"
#include "kernels/api/network.hpp"
#include "src/families/neural_dual/dual_trainer.hpp"

namespace otfleet {

/// The dual of one problem at samples of both sides, see DualTrainer, and its slopes by the weights
/// of the potential. Holds the memory for it; potentials come from outside. Local.
class PotentialDual {
 public:
  /// `points`: samples of either side.
  PotentialDual(const DualTrainerSettings& settings, std::int64_t points, std::int64_t dimension);

  /// Solves the conjugates at y [points, D] from `prediction` [points, D] on and sums the loss, all
  /// divided by `samples`. `point_slope` [points, D] becomes the slope of the predictor's own loss;
  /// empty: there is none.
  kernels::DualLoss solve(kernels::Network<float>& potential, const DeviceArray<const float, 2>& x,
                          const DeviceArray<const float, 2>& y,
                          const DeviceArray<const float, 2>& prediction, double samples,
                          const DeviceArray<float, 2>& point_slope = {});

  /// Of the last solve(), by the weights of its potential, to where `gradient` keeps them.
  void differentiate(kernels::NetworkGradient& gradient) { gradient.compute(points_, weights_); }

 private:
  TrainingLoss loss_;
  std::optional<kernels::ExpectileSettings> regularizer_;
  std::size_t rows_;
  kernels::ConjugateMinimizer<float> solver_;
  DeviceArray<float, 2> points_;    ///< [2 B, D]: x, then the minimizers
  DeviceArray<float> weights_;      ///< [2 B]: of f at these points in the loss
  DeviceArray<float, 2> gradient_;  ///< [B, D]
  DeviceArray<float> value_;
  kernels::ConjugateResult<float> conjugates_;
};

}  // namespace otfleet
