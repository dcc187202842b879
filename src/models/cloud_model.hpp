#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "kernels/api/spline_potentials.hpp"
#include "src/job.hpp"
#include "src/models/checkpoint.hpp"
#include "src/models/network_library.hpp"
#include "src/models/start_model.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// What a CloudModel was made for; a checkpoint carries it.
struct CloudModelDescription {
  ModelOptions architecture;
  std::int64_t dimension = 1, nodes = 3;  ///< of the splines, along every axis
  bool pair_frames = true;                ///< kernels::pair_frames(), for squared Euclidean costs
  kernels::FrameBox box;                  ///< the frame elsewhere: what holds the points trained on
  double epsilon = 0;                     ///< trained at, in units of the cost
  std::string geometry;                   ///< CloudPopulation::fingerprint()

  kernels::SplineBasis basis() const {
    return {static_cast<int>(dimension), static_cast<int>(nodes)};
  }
  /// Numbers that the network sees of a source.
  std::int64_t source_inputs() const {
    return basis().size() + (pair_frames ? kernels::extra_spline_inputs(basis()) : 0);
  }
};

/// A network that predicts the dual potential f of a pair of clouds of any numbers of points, in
/// any order. It sees each cloud as its mass around the nodes of a grid, in coordinates that are
/// the problem's own (kernels::pair_frames()) or the same for all, and gives f as a spline on such
/// a grid, in pair frames on top of the potential between Gaussians. So a network of any
/// architecture for pairs of measures does. A set encoder in the sense of Zaheer et al. 2017 ('Deep
/// Sets') whose features of a point are the splines.
class CloudModel final : public StartModel {
 public:
  /// Fresh weights, the same on every rank for the same seed. Local. Throws UserError as
  /// network_library() does.
  CloudModel(const CloudModelDescription& description, std::int64_t seed);

  const CloudModelDescription& description() const { return description_; }
  double trained_epsilon() const override { return description_.epsilon; }
  std::unique_ptr<StartModel> copy() const override;
  std::unique_ptr<StartPredictor> predictor(const kernels::Problems& measures) const override;

  void write_description(distributed::Hdf5File& file) const override;

  /// f [source points], flat; −inf where a is zero. Local.
  void predict(const kernels::Problems& problems, double epsilon,
               const DeviceArray<double>& f) const;
  /// The same, keeping what backward() needs.
  void forward(const kernels::Problems& problems, double epsilon, const DeviceArray<double>& f);

  /// Sets gradients() to the derivative of a loss whose derivative with respect to f is `slope`,
  /// flat, of the problems of the last forward(); as PotentialModel::backward(). Local.
  void backward(const DeviceArray<const double>& slope, const GradientListener& listener = {});

 private:
  TrainedNetwork& network() const override { return *network_; }
  /// Problems as the network sees them.
  struct Seen {
    kernels::Problems problems;
    kernels::SplineFrameRows frames;
    DeviceArray<float, 2> source, target;  ///< inputs, which its backward pass reads again
  };
  Seen see(const kernels::Problems& problems, double epsilon) const;
  void answer(const Seen& seen, double epsilon, const DeviceArray<double>& f, bool keep) const;

  CloudModelDescription description_;
  std::unique_ptr<CoefficientNetwork> network_;
  Seen seen_;  ///< by the last forward()
};

/// The description that a job asks for on a population. Throws UserError: more coordinates than
/// splines have.
CloudModelDescription describe_cloud_model(const Job& job, const CloudPopulation& population);
/// The same without the box, which a checkpoint says. Throws likewise.
CloudModelDescription outline_cloud_model(const Job& job, const CloudPopulation& population);

/// As read_checkpoint(), for a CloudModel; frame and epsilon are those of the checkpoint.
std::unique_ptr<CloudModel> read_cloud_checkpoint(const std::filesystem::path& file,
                                                  const CloudModelDescription& expected,
                                                  TrainingState* state = nullptr);

}  // namespace otfleet
