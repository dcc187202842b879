#pragma once
#include <memory>

#include "src/families/conditional_map/conditional_model.hpp"
#include "src/models/network_library.hpp"

namespace otfleet {

/// A velocity v(x, t; c) whose flow dx/dt = v takes the source of the problem with context c at t =
/// 0 to its target at t = 1, trained by flow matching (Lipman et al. 2023; Tong et al. 2024 with
/// minibatch couplings). Fresh, it is zero up to small terms, the map the identity in standard
/// coordinates.
///
/// Maps integrate the flow by the classical Runge–Kutta method of order 4 with `map.steps` steps of
/// one length. A point's residual is how far the same with half as many steps ends from it, its
/// round trip how far the way back ends from the point: both are large where steps are too long.
class VelocityModel final : public ConditionalModel {
 public:
  /// Throws UserError as network_library() does.
  VelocityModel(const ConditionalDescription& description, std::int64_t seed);

  bool has_potentials() const override { return false; }
  std::unique_ptr<ProblemMap> map_of(const SeenProblems& one, const Job& job) override;

  /// v [G B, D] at points [G B, D] and times [G B, 1], B of each problem of `contexts` [G,
  /// context]. `keep`: for a backward() that follows, the inputs as they are until then. Local.
  void run(const DeviceArray<const float, 2>& points, const DeviceArray<const float, 2>& times,
           const DeviceArray<const float, 2>& contexts, const DeviceArray<float, 2>& velocity,
           bool keep = false) {
    network_->run(points, times, contexts, velocity, keep);
  }

  /// Sets gradients() to the derivative by the weights of <slope, the last velocity>, `slope` of
  /// its shape, or empty: zero. `listener` as for PotentialModel. Local.
  void backward(const DeviceArray<const float, 2>& slope, const GradientListener& listener = {}) {
    network_->backward(slope, listener);
  }

 private:
  TrainedNetwork& network() const override { return *network_; }

  std::unique_ptr<VelocityNetwork> network_;
};

}  // namespace otfleet
