#include "src/families/least_action/path_predictor.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cmath>

#include "distributed/error.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/families/neural_dual/neural_dual_checkpoint.hpp"

namespace otfleet {
namespace {

std::int64_t coefficients_of(const PathPredictorDescription& description) {
  kernels::PathSettings path;
  path.nodes = static_cast<int>(description.nodes);
  path.points = static_cast<int>(description.points);
  return path.coefficients();
}

VectorNetworkShape shape_of(const PathPredictorDescription& description) {
  return {2 * description.dimension, coefficients_of(description) * description.dimension,
          description.hidden, description.activation};
}

std::string network_text(const PathPredictorDescription& description) {
  return fmt::format("mlp with hidden = [{}], activation = {}, of splines of {} nodes at {} points",
                     fmt::join(description.hidden, ", "), word_of(description.activation),
                     description.nodes, description.points);
}

}  // namespace

PathPredictor::PathPredictor(const PathPredictorDescription& description, std::int64_t seed)
    : description_(description),
      coefficients_(coefficients_of(description)),
      network_(network_library().make_vector_network(shape_of(description), seed)) {}

void PathPredictor::see(std::span<const double> x, std::span<const double> y,
                        std::span<float> rows) const {
  const auto d = static_cast<std::size_t>(description_.dimension);
  const auto& [source, target] = description_.standardization;
  const auto standard = [](const StandardCoordinates& coordinates, double value, std::size_t i) {
    const double mean = coordinates.mean.empty() ? 0 : coordinates.mean[i];
    return static_cast<float>((value - mean) / coordinates.scale);
  };
  for (std::size_t k = 0; k * d < x.size(); ++k)
    for (std::size_t i = 0; i < d; ++i) {
      rows[2 * k * d + i] = standard(source, x[k * d + i], i);
      rows[(2 * k + 1) * d + i] = standard(target, y[k * d + i], i);
    }
}

std::vector<double> PathPredictor::predict(std::span<const double> x, std::span<const double> y) {
  const auto d = static_cast<std::size_t>(description_.dimension), count = x.size() / d;
  std::vector<float> seen(2 * x.size());
  see(x, y, seen);
  const auto rows = upload<float>("otfleet::paths::ends", seen, count, 2 * d);
  const DeviceArray<float, 2> found(uninitialized, "otfleet::paths::predicted", count,
                                    static_cast<std::size_t>(coefficients_) * d);
  predict(rows, found);
  const auto values = found.download();
  return {values.begin(), values.end()};
}

void PathPredictor::write_description(distributed::Hdf5File& file) const {
  file.set_attribute("/model", "problem", word_of(ProblemKind::least_action));
  file.set_attribute("/model", "architecture", std::string("mlp"));
  file.set_attribute("/model", "activation", word_of(description_.activation));
  file.set_attribute("/model", "dimension", description_.dimension);
  file.set_attribute("/model", "nodes", description_.nodes);
  file.set_attribute("/model", "points", description_.points);
  file.set_attribute("/model", "lagrangian", description_.lagrangian);
  file.set_attribute("/model", "samples", description_.samples);
  file.write<std::int64_t>("/model/hidden", {static_cast<std::int64_t>(description_.hidden.size())},
                           description_.hidden);
  write_standardization(file, description_.standardization);
}

PathPredictorDescription describe_path_predictor(const Job& job,
                                                 const kernels::Lagrangian& lagrangian,
                                                 std::int64_t dimension) {
  PathPredictorDescription description;
  description.hidden = job.model.hidden;
  description.activation = job.model.activation;
  description.dimension = dimension;
  description.nodes = job.path.nodes;
  description.points = job.path.points;
  description.lagrangian = lagrangian_text(lagrangian);
  return description;
}

std::unique_ptr<PathPredictor> read_path_predictor(const std::filesystem::path& path,
                                                   const PathPredictorDescription& wanted,
                                                   TrainingState* state) {
  const CheckpointFile file(path);
  file.require_problem(ProblemKind::least_action);
  PathPredictorDescription found;
  found.hidden = file.list("hidden");
  found.activation = file.choice<kernels::Activation>("activation");
  found.dimension = std::llround(file.number("dimension"));
  found.nodes = std::llround(file.number("nodes"));
  found.points = std::llround(file.number("points"));
  found.lagrangian = file.text("lagrangian");
  found.samples = file.text("samples");
  found.standardization = read_standardization(file, found.dimension);
  const std::string have = network_text(found), want = network_text(wanted);
  if (have != want)
    throw UserError(fmt::format(
        "{}: holds {}, but the job asks for {}; change [model] and [path] or train again",
        file.name(), have, want));
  if (found.lagrangian != wanted.lagrangian)
    throw UserError(
        fmt::format("{}: was trained for lagrangian {}, the job has {}; change "
                    "[lagrangian] or train again",
                    file.name(), found.lagrangian, wanted.lagrangian));
  if (found.dimension != wanted.dimension)
    throw UserError(fmt::format("{}: was trained on points of dimension {}, these have {}",
                                file.name(), found.dimension, wanted.dimension));
  auto predictor = std::make_unique<PathPredictor>(found, 0);
  file.read(*predictor, state);
  return predictor;
}

}  // namespace otfleet
