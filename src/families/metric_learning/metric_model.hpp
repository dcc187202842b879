#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/paths/lagrangian.hpp"
#include "src/job.hpp"
#include "src/models/checkpoint.hpp"
#include "src/models/network_library.hpp"

namespace otfleet {

/// What a MetricModel was made for; a checkpoint carries it.
struct MetricDescription {
  std::vector<std::int64_t> hidden;  ///< widths
  kernels::Activation activation = kernels::Activation::silu;
  std::vector<double> box;  ///< least and largest x, then y
  std::int64_t cells = 0;   ///< along each axis
  double along = 0.1;       ///< what the metric has along its cheap direction, 1 across
  std::string sequence;     ///< for messages
};

/// A metric of the plane whose cheap direction an MLP gives (NLOT, arXiv 2406.00288, section 4.2:
/// M(x) = R(θ(x)) diag(along, 1) R(θ(x))'). The network gives a vector along it, of any length, at
/// every node of a grid: an angle would have to jump where directions turn around a point. Between
/// nodes see kernels::DirectionsLagrangian.
///
/// A checkpoint has /model/metric [rows, columns, 2, 2], M at the nodes, and /model/box besides the
/// weights: lagrangian.grid of any job with lagrangian.name = "metric".
class MetricModel final : public TrainedModel {
 public:
  /// Throws UserError as network_library() does.
  MetricModel(const MetricDescription& description, std::int64_t seed);

  const MetricDescription& description() const { return description_; }

  /// With the weights as they are now. `keep`: for a backward() that follows. Local.
  kernels::DirectionsLagrangian lagrangian(bool keep = false);

  /// Sets gradients() to the derivative by the weights of what has the derivative `slope`
  /// [2, rows, columns] by the numbers of the last lagrangian(), or nothing: zero. Local.
  void backward(std::span<const double> slope, const GradientListener& listener = {});

  /// The same for weight · Σ_k |w(x_k) − u_k|², w the vectors of the network between its nodes, at
  /// places x and for directions u, [N, 2] both. Local.
  void backward_to(std::span<const double> places, std::span<const double> directions,
                   double weight, const GradientListener& listener = {});

  void write_description(distributed::Hdf5File& file) const override;

 private:
  TrainedNetwork& network() const override { return *network_; }
  /// Vectors at the nodes, [nodes, 2].
  void run(bool keep) const;

  MetricDescription description_;
  std::unique_ptr<VectorNetwork> network_;
  DeviceArray<float, 2> places_, vectors_, slope_;
};

/// The description that a job asks for in a box. Local.
MetricDescription describe_metric(const Job& job, const std::vector<double>& box);

/// Reads the weights (and the training state, if asked for and there). Throws UserError that names
/// the file: not such a checkpoint, damaged, of another network, number of cells or `along` than
/// the job's. The box is the checkpoint's. Local.
std::unique_ptr<MetricModel> read_metric(const std::filesystem::path& file, const Job& job,
                                         TrainingState* state = nullptr);

}  // namespace otfleet
