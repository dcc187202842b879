#pragma once
#include <cstdint>
#include <span>

#include "kernels/api/network.hpp"
#include "src/families/neural_dual/map_options.hpp"
#include "src/families/neural_dual/standardization.hpp"
#include "src/models/model_options.hpp"

namespace otfleet {

/// A potential f of one side's points x, whose map ∇f goes to the other side's points y, and a
/// prediction of the minimizers of f(x) − <x, y>, which go back. Points of the network are in
/// standard coordinates; callers see to that.
class TransportPotential {
 public:
  virtual ~TransportPotential() = default;

  virtual std::int64_t dimension() const = 0;
  virtual const Standardization& standardization() const = 0;
  /// Whose points x are.
  virtual PotentialSide side() const { return PotentialSide::source; }

  /// Where ∇f goes; minimizers go the other way.
  MapDirection gradient_direction() const {
    return side() == PotentialSide::source ? MapDirection::forward : MapDirection::backward;
  }
  const StandardCoordinates& x_coordinates() const {
    return side() == PotentialSide::source ? standardization().source : standardization().target;
  }
  const StandardCoordinates& y_coordinates() const {
    return side() == PotentialSide::source ? standardization().target : standardization().source;
  }

  /// Where minimizations may begin besides their predictions, [K, D] in standard coordinates; for
  /// least-action costs.
  virtual std::span<const double> ends() const { return {}; }

  /// f for the kernels. float: the weights themselves; double: a copy.
  template <class Scalar>
  kernels::NetworkWeights<Scalar> potential() const;

  /// Coefficients of a predicted path, for least-action costs; 0: paths are not predicted.
  virtual std::int64_t path_numbers() const { return 0; }

  /// x [B, D] = the prediction for y [B, D]; y itself where the model has none. paths [B,
  /// path_numbers()] from y to x, or nothing. Local.
  virtual void predict_minimizers(const DeviceArray<const float, 2>& y,
                                  const DeviceArray<float, 2>& x,
                                  const DeviceArray<float, 2>& paths) = 0;

 private:
  virtual kernels::NetworkWeights<float> weights() const = 0;
};

}  // namespace otfleet
