#include "src/models/potential_checkpoint.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>

#include "distributed/error.hpp"
#include "src/models/architecture_record.hpp"

namespace otfleet {
namespace {

ModelDescription read_description(const CheckpointFile& file) {
  ModelDescription description;
  description.architecture = read_architecture(file);
  if (file.number("nodes", 0) > 0)
    throw UserError(file.name() +
                    ": was trained for measures with points of their own; in this population all "
                    "share theirs");
  const auto integer = [&](const std::string& name) { return std::llround(file.number(name)); };
  description.grid = file.list("grid");
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
  require_same_architecture(name, found.architecture, wanted.architecture);
  if (found.shared_measures != wanted.shared_measures)
    throw UserError(name + ": was trained with " +
                    (found.shared_measures ? "one set" : "two sets") +
                    " of measures, the population has " + (wanted.shared_measures ? "one" : "two"));
}

}  // namespace

ModelDescription describe_model(const Job& job, const Population& population) {
  const Geometry& geometry = population.geometry;
  if (geometry.kind != Geometry::Kind::grid) refuse_pooling(job.model);
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
  write_architecture(file, description().architecture);
  file.write<std::int64_t>("/model/grid", {static_cast<std::int64_t>(description().grid.size())},
                           description().grid);
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
