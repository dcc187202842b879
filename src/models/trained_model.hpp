#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "kernels/device_array.hpp"

namespace otfleet {

/// Told during a backward pass, after every tensor, from where on the flat gradients are complete
/// and will not change any more; falls to 0, the last call.
using GradientListener = std::function<void(std::int64_t complete_from)>;

/// A backward pass: sets a model's gradients and tells the listener on the way.
using BackwardPass = std::function<void(const GradientListener&)>;

/// A tensor of a model's flat array.
struct ParameterEntry {
  std::string name;
  std::int64_t offset, size;
  std::vector<std::int64_t> shape;
};

/// Weights that are trained. Parameters lie in one flat array, and so do their gradients, so that
/// averaging and the optimizer make one pass each.
class TrainedNetwork {
 public:
  virtual ~TrainedNetwork() = default;

  /// Flat arrays [parameters]; the network's own memory.
  virtual DeviceArray<float> parameters() = 0;
  virtual DeviceArray<float> gradients() = 0;

  /// The tensors of the flat array, in its order.
  virtual std::vector<ParameterEntry> entries() const = 0;
};

/// What averaging, the optimizer and checkpoints know of a model.
class TrainedModel : public TrainedNetwork {
 public:
  DeviceArray<float> parameters() final { return network().parameters(); }
  DeviceArray<float> gradients() final { return network().gradients(); }
  std::vector<ParameterEntry> entries() const final { return network().entries(); }

  /// Writes what the model is and was made for as attributes of the group /model, and datasets in
  /// it. Local.
  virtual void write_description(distributed::Hdf5File& file) const = 0;

 private:
  /// What holds the weights.
  virtual TrainedNetwork& network() const = 0;
};

}  // namespace otfleet
