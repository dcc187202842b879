#include "src/models/potential_checkpoint.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cmath>

#include "distributed/error.hpp"
#include "src/models/architectures.hpp"

namespace otfleet {
namespace {

std::string architecture_text(const ModelOptions& model) {
  const auto* architecture = find_architecture(model.architecture);
  return fmt::format("{} with hidden = [{}]{}", model.architecture, fmt::join(model.hidden, ", "),
                     architecture == nullptr ? "" : architecture->text(model));
}

ModelDescription read_description(const CheckpointFile& file) {
  if (value_of<ProblemKind>(file.problem()) != ProblemKind::linear)
    throw UserError(file.name() + ": was trained with problem = '" + file.problem() +
                    "', not 'population'; train again, or name another with files.checkpoint");
  ModelDescription description;
  description.architecture.architecture = file.text("architecture");
  description.architecture.hidden = file.list("hidden");
  description.architecture.head = file.list("head");
  description.grid = file.list("grid");
  const auto integer = [&](const std::string& name) { return std::llround(file.number(name)); };
  description.architecture.embedding = integer("embedding");
  description.architecture.output_rank = integer("output_rank");
  description.architecture.pooling = integer("pooling");
  description.architecture.output_pooling = std::llround(file.number("output_pooling", 1));
  description.n = integer("n");
  description.m = integer("m");
  description.shared_measures = integer("shared_measures") != 0;
  description.epsilon = file.number("epsilon");
  description.geometry = file.text("geometry");
  return description;
}

void check(const std::string& name, const ModelDescription& found, const ModelDescription& wanted) {
  if (found.geometry != wanted.geometry || found.n != wanted.n || found.m != wanted.m)
    throw UserError(
        fmt::format("{}: was trained for another cost ({} x {} points, cost {}) than the "
                    "population's ({} x {} points, cost {})",
                    name, found.n, found.m, found.geometry, wanted.n, wanted.m, wanted.geometry));
  const auto have = architecture_text(found.architecture);
  const auto want = architecture_text(wanted.architecture);
  if (have != want)
    throw UserError(fmt::format(
        "{}: holds {}, but the job asks for {}; change [model] or train again", name, have, want));
  if (found.shared_measures != wanted.shared_measures)
    throw UserError(name + ": was trained with " +
                    (found.shared_measures ? "one set" : "two sets") +
                    " of measures, the population has " + (wanted.shared_measures ? "one" : "two"));
}

}  // namespace

ModelDescription describe_model(const Job& job, const Population& population) {
  const Geometry& geometry = population.geometry;
  for (const auto& [key, pooling] : {std::pair{"pooling", job.model.pooling},
                                     std::pair{"output_pooling", job.model.output_pooling}})
    if (pooling > 1 && geometry.kind != Geometry::Kind::grid)
      throw UserError(fmt::format("model.{} = {} needs weights on a grid", key, pooling));
  ModelDescription description{job.model,
                               geometry.n,
                               geometry.m,
                               {},
                               population.shared_measures,
                               job.problem.epsilon,
                               geometry.fingerprint()};
  for (const auto& axis : geometry.axes)
    description.grid.push_back(static_cast<std::int64_t>(axis.size()));
  return description;
}

void PotentialModel::write_description(distributed::Hdf5File& file) const {
  file.set_attribute("/model", "architecture", description().architecture.architecture);
  for (const auto& [name, widths] : {std::pair{"/model/hidden", &description().architecture.hidden},
                                     std::pair{"/model/head", &description().architecture.head},
                                     std::pair{"/model/grid", &description().grid}})
    file.write<std::int64_t>(name, {static_cast<std::int64_t>(widths->size())}, *widths);
  file.set_attribute("/model", "embedding", description().architecture.embedding);
  file.set_attribute("/model", "output_rank", description().architecture.output_rank);
  file.set_attribute("/model", "pooling", description().architecture.pooling);
  file.set_attribute("/model", "output_pooling", description().architecture.output_pooling);
  file.set_attribute("/model", "n", description().n);
  file.set_attribute("/model", "m", description().m);
  file.set_attribute("/model", "shared_measures", std::int64_t{description().shared_measures});
  file.set_attribute("/model", "epsilon", description().epsilon);
  file.set_attribute("/model", "geometry", description().geometry);
}

ModelDescription read_description(const std::filesystem::path& path) {
  return read_description(CheckpointFile(path));
}

PotentialModel read_checkpoint(const std::filesystem::path& path, const ModelDescription& expected,
                               TrainingState* state) {
  const CheckpointFile file(path);
  ModelDescription description = read_description(file);
  check(file.name(), description, expected);
  PotentialModel model(description, 0);
  file.read(model, state);
  return model;
}

}  // namespace otfleet
