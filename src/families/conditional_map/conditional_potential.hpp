#pragma once
#include <cstdint>
#include <memory>

#include "src/families/conditional_map/conditional_model.hpp"
#include "src/families/conditional_map/potential_layout.hpp"
#include "src/families/neural_dual/transport_potential.hpp"
#include "src/models/network_library.hpp"

namespace otfleet {

/// Potentials f(x; c) of many problems from one model: ∇f(·; c) maps the source of the problem with
/// context c to its target (CondOT, Bunne, Krause & Cuturi 2022; Meta ICNN, Amos et al. 2022,
/// section 4.3). A network makes the weights of a potential from a context; the potential itself is
/// a kernels::Network, as NeuralDual's, so that every problem has one of its own and all that
/// solves conjugates works on it.
///
/// `architecture` names the potential ("mlp", "icnn"), `conditioning` how contexts change it.
/// partial: with u the code of c, an MLP, layers see W (z ∘ (1 + A u)) and add B u to their biases;
/// of an icnn the factors of hidden units are [1 + A u]₊: a partially input-convex network (Amos,
/// Xu & Kolter 2017). generated: all weights are W + G u, those that must not be negative their
/// positive part (a hypernetwork, Ha et al. 2016). none: one potential for all. In all of them the
/// last layer has a linear term, so that a map can move everything.
///
/// `start` = gaussian: ½|x|² makes place for the potential between the Gaussians with the measures'
/// moments, which a network then corrects.
class ConditionalPotential final : public ConditionalModel {
 public:
  /// Fresh weights, the same on every rank for the same seed. Local. Throws UserError as
  /// network_library() does.
  ConditionalPotential(const ConditionalDescription& description, std::int64_t seed);

  bool has_potentials() const override { return true; }
  bool predicts() const { return description().architecture.has_predictor(); }
  const PotentialLayout& layout() const { return networks_->layout(); }

  std::unique_ptr<ProblemMap> map_of(const SeenProblems& one, const Job& job) override;
  /// The same with these weights [layout().size] instead of the model's. Copies them. Local.
  std::unique_ptr<ProblemMap> map_with(const SeenProblems& one,
                                       const DeviceArray<const float>& weights, const Job& job);

  /// Weights [G, layout().size] of the potentials of G problems. They stay until the next call.
  /// `keep`: for a backward() that follows, the problems' arrays as they are until then. Local.
  DeviceArray<const float, 2> run(const SeenProblems& problems, bool keep = false) {
    return networks_->run(problems.contexts, problems.starts, keep);
  }

  /// x [G B, D] = the predictions of minimizers for y [G B, D], B points of each problem of the
  /// last run(). `keep`: for a backward() that follows, y as it is until then. Local.
  void predict(const DeviceArray<const float, 2>& y, const DeviceArray<float, 2>& x,
               bool keep = false);

  /// Sets gradients() to the derivative by the model's weights of
  ///   <slope, the weights of the last run()> + <point_slope, the last predictions>,
  /// point_slope empty where the predictor does not learn. Both may be empty: all is zero.
  /// `listener` as for PotentialModel. Local.
  void backward(const DeviceArray<const float, 2>& slope,
                const DeviceArray<const float, 2>& point_slope,
                const GradientListener& listener = {}) {
    networks_->backward(slope, point_slope, listener);
  }

  /// Brings hidden weights of input-convex networks back to at least zero, after a step.
  void make_convex() { networks_->make_convex(); }

 private:
  TrainedNetwork& network() const override { return *networks_; }

  std::unique_ptr<ConditionalNetworks> networks_;
};

/// The potential of one problem, with weights of its own. Keeps a reference to the model, for the
/// predictions of minimizers.
class ConditionedPotential final : public TransportPotential {
 public:
  ConditionedPotential(ConditionalPotential& model, SeenProblems one,
                       const DeviceArray<const float>& weights);

  std::int64_t dimension() const override { return model_.description().dimension; }
  const Standardization& standardization() const override {
    return model_.description().standardization;
  }
  void predict_minimizers(const DeviceArray<const float, 2>& y, const DeviceArray<float, 2>& x,
                          const DeviceArray<float, 2>& paths) override;

 private:
  kernels::NetworkWeights<float> weights() const override {
    return model_.layout().weights(weights_);
  }

  ConditionalPotential& model_;
  SeenProblems one_;
  DeviceArray<float> weights_;
};

}  // namespace otfleet
