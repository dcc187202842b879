#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/paths/lagrangian.hpp"
#include "src/families/neural_dual/standardization.hpp"
#include "src/job.hpp"
#include "src/models/checkpoint.hpp"
#include "src/models/network_library.hpp"

namespace otfleet {

/// What a PathPredictor was made for; a checkpoint carries it.
struct PathPredictorDescription {
  std::vector<std::int64_t> hidden;  ///< widths
  kernels::Activation activation = kernels::Activation::silu;
  std::int64_t dimension = 0, nodes = 0, points = 0;  ///< of paths, kernels::PathSettings
  std::string lagrangian;                             ///< lagrangian_text()
  std::string samples;                                ///< of the ends, for messages
  Standardization standardization;                    ///< of the ends
};

/// An MLP that predicts least-action paths from their ends: the coefficients of the spline that is
/// added to the straight line (NLOT, arXiv 2406.00288, section 3.2, has its nodes). Fresh, it
/// predicts straight lines, up to small terms.
class PathPredictor final : public TrainedModel {
 public:
  /// Throws UserError as network_library() does.
  PathPredictor(const PathPredictorDescription& description, std::int64_t seed);

  const PathPredictorDescription& description() const { return description_; }
  /// Of a spline, kernels::PathBasis; each has D coordinates.
  std::int64_t coefficients() const { return coefficients_; }

  /// rows [B, 2 D], what the network sees of ends x, y [B, D]; to the host's memory.
  void see(std::span<const double> x, std::span<const double> y, std::span<float> rows) const;

  /// coefficients [B, coefficients · D] from rows [B, 2 D]. `keep`: for a backward() that follows,
  /// rows as they are until then. Local.
  void predict(const DeviceArray<const float, 2>& rows, const DeviceArray<float, 2>& coefficients,
               bool keep = false) {
    network_->run(rows, coefficients, keep);
  }
  /// The same of ends x, y [B, D] of the host: [B, coefficients, D].
  std::vector<double> predict(std::span<const double> x, std::span<const double> y);

  /// Sets gradients() to the derivative by the weights of <slope, the last coefficients>, `slope`
  /// of their shape, or empty: zero. Local.
  void backward(const DeviceArray<const float, 2>& slope, const GradientListener& listener = {}) {
    network_->backward(slope, listener);
  }

  void write_description(distributed::Hdf5File& file) const override;

 private:
  TrainedNetwork& network() const override { return *network_; }

  PathPredictorDescription description_;
  std::int64_t coefficients_;
  std::unique_ptr<VectorNetwork> network_;
};

/// The description that a job asks for, for points of so many coordinates. Local.
PathPredictorDescription describe_path_predictor(const Job& job,
                                                 const kernels::Lagrangian& lagrangian,
                                                 std::int64_t dimension);

/// Reads the weights (and the training state, if asked for and there). Throws UserError that names
/// the file: not such a checkpoint, damaged, of another network, spline, Lagrangian or dimension
/// than `wanted`. Local.
std::unique_ptr<PathPredictor> read_path_predictor(const std::filesystem::path& file,
                                                   const PathPredictorDescription& wanted,
                                                   TrainingState* state = nullptr);

}  // namespace otfleet
