#pragma once
#include <cstdint>

#include "kernels/api/network.hpp"
#include "src/families/neural_dual/standardization.hpp"

namespace otfleet {

/// A potential f whose map ∇f points go through, and a prediction of the minimizers of
/// f(x) − <x, y>. Points of the network are in standard coordinates; callers see to that.
class TransportPotential {
 public:
  virtual ~TransportPotential() = default;

  virtual std::int64_t dimension() const = 0;
  virtual const Standardization& standardization() const = 0;

  /// f for the kernels. float: the weights themselves; double: a copy.
  template <class Scalar>
  kernels::NetworkWeights<Scalar> potential() const;

  /// x [B, D] = the prediction for y [B, D]; y itself where the model has none. Local.
  virtual void predict_minimizers(const DeviceArray<const float, 2>& y,
                                  const DeviceArray<float, 2>& x) = 0;

 private:
  virtual kernels::NetworkWeights<float> weights() const = 0;
};

}  // namespace otfleet
