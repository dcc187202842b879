#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/device_array.hpp"
#include "src/job.hpp"
#include "src/models/network_library.hpp"
#include "src/models/start_model.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// What a model was made for; a checkpoint carries it.
struct ModelDescription {
  ModelOptions architecture;
  std::int64_t n = 0, m = 0;
  std::vector<std::int64_t> grid;  ///< lengths of its axes; empty: the points are no grid
  bool shared_measures = true;     ///< pair_encoder: one encoder serves both sides
  double epsilon = 0;              ///< trained at, in units of the cost
  std::string geometry;            ///< Geometry::fingerprint()
};

/// A network that predicts the dual potential f of a pair of measures (Amos et al. 2022, Meta OT).
/// It predicts φ, and f = φ + epsilon log a: the part of f that a alone decides needs no learning.
///
/// Through which layers is up to its architecture, see networks/architectures/. LibTorch stays
/// behind this interface, in a library that the first model loads.
class PotentialModel final : public StartModel {
 public:
  /// Fresh weights, the same on every rank for the same seed. Local. Throws UserError as
  /// network_library() does.
  PotentialModel(const ModelDescription& description, std::int64_t seed);

  /// A private copy with the same weights and zero gradients. Local.
  PotentialModel clone() const;

  const ModelDescription& description() const { return description_; }
  double trained_epsilon() const override { return description_.epsilon; }
  std::unique_ptr<StartModel> copy() const override;
  std::unique_ptr<StartPredictor> predictor(const kernels::Problems& measures) const override;

  void write_description(distributed::Hdf5File& file) const override;

  /// f [B, n] for weights a [B, n] and b [B, m] (mass 1), keeping what backward() needs; −inf where
  /// a is zero. Local.
  void forward(const DeviceArray<const double, 2>& a, const DeviceArray<const double, 2>& b,
               const DeviceArray<double, 2>& f, double epsilon) {
    network_->forward(a, b, f, epsilon);
  }

  /// Sets gradients() to the derivative of a loss whose derivative with respect to f is `slope`
  /// [B, n] (automatic differentiation through the network only). Follows forward(), but without
  /// problems (B = 0) all gradients are zero and nothing needs to have come before. `listener` is
  /// called on this thread where tensors are on the host, else on one of LibTorch's, with what
  /// computes the gradients queued on the default stream. Local.
  void backward(const DeviceArray<const double, 2>& slope, const GradientListener& listener = {}) {
    network_->backward(slope, listener);
  }

 private:
  TrainedNetwork& network() const override { return *network_; }
  friend class PairPredictor;
  ModelDescription description_;
  std::unique_ptr<PairPotential> network_;
};

/// Predictions for many pairs over one set of measures, without gradients: what can be computed per
/// measure (its encoding) is computed once, when a pair first names it. Local; one thread at a
/// time.
class PairPredictor final : public StartPredictor {
 public:
  /// `source_weights` [Ms, n], `target_weights` [Mt, m] (the same array when shared), mass 1. The
  /// model has to stay.
  PairPredictor(const PotentialModel& model, DeviceArray<const double, 2> source_weights,
                DeviceArray<const double, 2> target_weights);

  void predict(const kernels::Problems&, std::span<const std::int32_t> sources,
               std::span<const std::int32_t> targets, double, kernels::NetworkStart& learned,
               const DeviceArray<double>&) const override {
    learned = predict(sources, targets);
  }
  /// Starts for the pairs (sources[k], targets[k]).
  kernels::NetworkStart predict(std::span<const std::int32_t> sources,
                                std::span<const std::int32_t> targets) const {
    return predictions_->predict(sources, targets);
  }

 private:
  std::unique_ptr<PairPredictions> predictions_;
};

}  // namespace otfleet
