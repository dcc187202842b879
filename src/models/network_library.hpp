#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/api/learned_start.hpp"
#include "kernels/api/network.hpp"
#include "src/models/trained_model.hpp"

// LibTorch is in a library of its own, otfleet_networks, which is loaded when a model is first
// asked for: it drags hundreds of other libraries along, and most commands have no model. These are
// the functions that it has. The classes of models (PotentialModel, CloudModel, NeuralDual, …)
// stand in front of them.

namespace otfleet {

struct CloudModelDescription;
struct ModelDescription;
struct DualDescription;
struct ConditionalDescription;
struct PotentialLayout;

/// As PairPredictor.
class PairPredictions {
 public:
  virtual ~PairPredictions() = default;
  virtual kernels::NetworkStart predict(std::span<const std::int32_t> sources,
                                        std::span<const std::int32_t> targets) = 0;
};

/// The network of a PotentialModel; the functions are as there.
class PairPotential : public TrainedNetwork {
 public:
  virtual void forward(const DeviceArray<const double, 2>& a, const DeviceArray<const double, 2>& b,
                       const DeviceArray<double, 2>& f, double epsilon) = 0;
  virtual void backward(const DeviceArray<const double, 2>& slope,
                        const GradientListener& listener) = 0;
  /// Keeps a reference to the network.
  virtual std::unique_ptr<PairPredictions> predictions(
      DeviceArray<const double, 2> source_weights, DeviceArray<const double, 2> target_weights) = 0;
};

/// The network of a CloudModel: from what it sees of pairs of clouds to coefficients of splines.
class CoefficientNetwork : public TrainedNetwork {
 public:
  /// Coefficients [B, outputs] from inputs [B, …] of sources and targets. `keep`: for backward().
  /// They stay until the next call; the inputs have to stay for backward().
  virtual DeviceArray<const float, 2> run(const DeviceArray<const float, 2>& source,
                                          const DeviceArray<const float, 2>& target, bool keep) = 0;
  /// As PairPotential's, `slope` by the coefficients.
  virtual void backward(const DeviceArray<const float, 2>& slope,
                        const GradientListener& listener) = 0;
};

/// The networks of a NeuralDual; the functions are as there.
class DualNetworks : public TrainedNetwork {
 public:
  virtual kernels::NetworkWeights<float> potential() const = 0;
  virtual std::unique_ptr<kernels::Oracle<float>> differentiated_in_float() const = 0;
  virtual std::unique_ptr<kernels::Oracle<double>> differentiated_in_double() const = 0;
  virtual void predict(const DeviceArray<const float, 2>& y, const DeviceArray<float, 2>& x,
                       const DeviceArray<float, 2>& paths, bool keep) = 0;
  virtual void backward(const DeviceArray<const float, 2>& x,
                        const DeviceArray<const float>& weight,
                        const DeviceArray<const float, 2>& slope,
                        const DeviceArray<const float, 2>& path_slope,
                        const GradientListener& listener) = 0;
  virtual void cycle_slope(const DeviceArray<const float, 2>& x,
                           const DeviceArray<const float, 2>& y, double scale,
                           const DeviceArray<float, 2>& slope) const = 0;
  virtual void make_convex() = 0;
};

/// The networks of a ConditionalPotential; the functions are as there.
class ConditionalNetworks : public TrainedNetwork {
 public:
  virtual const PotentialLayout& layout() const = 0;
  virtual DeviceArray<const float, 2> run(const DeviceArray<const float, 2>& contexts,
                                          const DeviceArray<const float, 2>& starts, bool keep) = 0;
  virtual void predict(const DeviceArray<const float, 2>& y, const DeviceArray<float, 2>& x,
                       bool keep) = 0;
  virtual void backward(const DeviceArray<const float, 2>& slope,
                        const DeviceArray<const float, 2>& point_slope,
                        const GradientListener& listener) = 0;
  virtual void make_convex() = 0;
};

/// The network of a VelocityModel; the functions are as there.
class VelocityNetwork : public TrainedNetwork {
 public:
  virtual void run(const DeviceArray<const float, 2>& points,
                   const DeviceArray<const float, 2>& times,
                   const DeviceArray<const float, 2>& contexts,
                   const DeviceArray<float, 2>& velocity, bool keep) = 0;
  virtual void backward(const DeviceArray<const float, 2>& slope,
                        const GradientListener& listener) = 0;
};

/// Layers of a VectorNetwork.
struct VectorNetworkShape {
  std::int64_t inputs = 0, outputs = 0;
  std::vector<std::int64_t> hidden;  ///< widths
  kernels::Activation activation = kernels::Activation::elu;
};

/// Vectors from vectors. Fresh, it gives zeros up to small terms.
class VectorNetwork : public TrainedNetwork {
 public:
  /// outputs [B, outputs] from inputs [B, inputs]. `keep`: for a backward() that follows, inputs as
  /// they are until then.
  virtual void run(const DeviceArray<const float, 2>& inputs, const DeviceArray<float, 2>& outputs,
                   bool keep) = 0;
  /// Sets gradients() to the derivative by the weights of <slope, the last outputs>, `slope` of
  /// their shape, or empty: zero.
  virtual void backward(const DeviceArray<const float, 2>& slope,
                        const GradientListener& listener) = 0;
};

/// What a function gives for N rows.
struct ScriptValues {
  std::vector<std::int64_t> shape;  ///< [N, …]
  std::vector<double> values;
};

struct NetworkLibrary {
  /// Fresh weights, the same for the same seed.
  std::unique_ptr<PairPotential> (*make_pair_potential)(const ModelDescription& description,
                                                        std::int64_t seed);
  std::unique_ptr<CoefficientNetwork> (*make_coefficient_network)(
      const CloudModelDescription& description, std::int64_t seed);
  std::unique_ptr<DualNetworks> (*make_dual_networks)(const DualDescription& description,
                                                      std::int64_t seed);
  std::unique_ptr<ConditionalNetworks> (*make_conditional_networks)(
      const ConditionalDescription& description, std::int64_t seed);
  std::unique_ptr<VelocityNetwork> (*make_velocity_network)(
      const ConditionalDescription& description, std::int64_t seed);
  std::unique_ptr<VectorNetwork> (*make_vector_network)(const VectorNetworkShape& shape,
                                                        std::int64_t seed);
  /// A TorchScript function of rows [N, width], in double on the processor. Throws UserError: a
  /// file that is none, a function that fails, or anything but a tensor of N numbers, vectors or
  /// matrices.
  ScriptValues (*run_script)(const std::string& file, std::span<const double> rows,
                             std::int64_t width);
  /// GPUs that LibTorch sees; 0 also where it was built without CUDA.
  int (*visible_gpus)();
};

/// Loads the library, the first time, and starts LibTorch. Local. Throws UserError: it cannot be
/// loaded, or does not see the GPU that kernels run on.
const NetworkLibrary& network_library();

}  // namespace otfleet

/// What the library exports. Programs that are linked with it, as tests are, load nothing.
extern "C" const otfleet::NetworkLibrary* otfleet_network_library();
