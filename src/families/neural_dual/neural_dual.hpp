#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "src/families/neural_dual/transport_potential.hpp"
#include "src/job.hpp"
#include "src/models/network_library.hpp"
#include "src/models/trained_model.hpp"

namespace otfleet {

/// What a NeuralDual was made for; a checkpoint carries it.
struct DualDescription {
  ModelOptions architecture;
  std::int64_t dimension = 0;
  std::string samples;  ///< what it was trained on, for messages
  /// The networks' points are in these coordinates; callers see to that.
  Standardization standardization{};
  /// least_action_text(); empty: half of the squared distance.
  std::string cost{};
  /// Samples of the target [K, dimension] that minimizations may begin at, for a least-action cost.
  std::vector<double> ends{};
  /// Of predicted paths, see PathOptions; 0: only minimizers are predicted.
  std::int64_t path_nodes = 0, path_points = 0;

  /// Numbers that say where a predicted path goes.
  std::int64_t path_numbers() const;
};

/// A Wasserstein-2 potential f between two distributions that are sampled, and a prediction of its
/// conjugate's minimizers (Amos, 'On amortizing convex conjugates for optimal transport', 2022).
/// ∇f maps x, the points of side(), to y, those of the other side, ∇f* back: ∇f*(y) minimizes
/// f(x) − <x, y>, and the predictor gives x̃(y) near it.
///
/// The potential ("mlp": ½|x|² + mlp(x), Amos 2022; "icnn": a dense input-convex network with
/// quadratic terms of rank `quadratic_rank`, Korotin et al. 2019, its last layer with a full
/// quadratic instead of a constant strong convexity) is a kernels::Network. The predictor
/// is y + mlp(y), or the gradient of an icnn, or y itself ("none"). For a least-action cost an mlp
/// may have further outputs, the coefficients of the path from y to x̃(y). Fresh, both maps are the
/// identity up to small terms, so that nothing has to be trained towards it first.
///
/// LibTorch stays behind this interface, in a library that the first model loads.
class NeuralDual final : public TrainedModel, public TransportPotential {
 public:
  /// Fresh weights, the same on every rank for the same seed. Local. Throws UserError as
  /// network_library() does.
  NeuralDual(const DualDescription& description, std::int64_t seed);

  const DualDescription& description() const { return description_; }
  bool predicts() const { return description().architecture.has_predictor(); }

  void write_description(distributed::Hdf5File& file) const override;

  std::int64_t dimension() const override { return description_.dimension; }
  const Standardization& standardization() const override { return description_.standardization; }
  PotentialSide side() const override { return description_.architecture.side; }
  std::span<const double> ends() const override { return description_.ends; }
  std::int64_t path_numbers() const override { return description_.path_numbers(); }

  /// f by LibTorch's automatic differentiation, with the weights as they are now.
  template <class Scalar>
  std::unique_ptr<kernels::Oracle<Scalar>> differentiated_potential() const;

  /// x [B, D] = x̃(y), y [B, D], and paths [B, path_numbers()], or nothing; `keep`: for a
  /// backward() that follows, y as it is until then. Local.
  void predict(const DeviceArray<const float, 2>& y, const DeviceArray<float, 2>& x,
               const DeviceArray<float, 2>& paths = {}, bool keep = false);
  void predict_minimizers(const DeviceArray<const float, 2>& y, const DeviceArray<float, 2>& x,
                          const DeviceArray<float, 2>& paths) override {
    predict(y, x, paths);
  }

  /// Sets gradients() to the derivative by the weights of
  ///   sum_k weight_k f(x_k) + sum_k <slope_k, x̃(y_k)> + sum_k <path_slope_k, path_k>,
  /// points x [K, D] and weights [K], memory for which is kept from one call to the next; y those
  /// of the last predict(…, true), slopes of its shapes, or empty where the predictor does not
  /// learn. `listener` as for PotentialModel. Local.
  void backward(const DeviceArray<const float, 2>& x, const DeviceArray<const float>& weight,
                const DeviceArray<const float, 2>& slope,
                const DeviceArray<const float, 2>& path_slope = {},
                const GradientListener& listener = {}) {
    networks_->backward(x, weight, slope, path_slope, listener);
  }

  /// slope [B, D] = the derivative by x of scale · sum_k |∇f(x_k) − y_k|², f fixed: scale · 2
  /// ∇²f(x) (∇f(x) − y), what the cycle loss of W2GN (Korotin et al. 2019) needs. Local.
  void cycle_slope(const DeviceArray<const float, 2>& x, const DeviceArray<const float, 2>& y,
                   double scale, const DeviceArray<float, 2>& slope) const {
    networks_->cycle_slope(x, y, scale, slope);
  }

  /// Brings hidden weights of input-convex networks back to at least zero, after a step of the
  /// optimizer.
  void make_convex() { networks_->make_convex(); }

 private:
  TrainedNetwork& network() const override { return *networks_; }
  kernels::NetworkWeights<float> weights() const override { return networks_->potential(); }
  DualDescription description_;
  std::unique_ptr<DualNetworks> networks_;
};

}  // namespace otfleet
