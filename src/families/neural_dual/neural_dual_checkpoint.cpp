#include "src/families/neural_dual/neural_dual_checkpoint.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cmath>

#include "distributed/error.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/models/architectures.hpp"

namespace otfleet {
namespace {

/// The options that an architecture reads besides `hidden`.
std::string own_options(const std::string& name, const ModelOptions& model) {
  const auto* architecture = find_architecture(name);
  return architecture == nullptr ? "" : architecture->text(model);
}

}  // namespace

std::string potential_text(const ModelOptions& model) {
  const auto own = own_options(model.architecture, model);
  const auto predictors = own_options(model.predictor, model);
  std::string text =
      fmt::format("{} with hidden = [{}], activation = {}{}{}, predictor = {}", model.architecture,
                  fmt::join(model.hidden, ", "), word_of(model.activation), own,
                  predictors == own ? "" : predictors, model.predictor);
  if (model.has_predictor())
    text += fmt::format(" with predictor_hidden = [{}]", fmt::join(model.predictor_hidden, ", "));
  if (model.side != PotentialSide::source) text += fmt::format(", side = {}", word_of(model.side));
  return text;
}

void write_potential(distributed::Hdf5File& file, const ModelOptions& model) {
  file.set_attribute("/model", "architecture", model.architecture);
  file.set_attribute("/model", "activation", word_of(model.activation));
  file.set_attribute("/model", "quadratic_rank", model.quadratic_rank);
  file.set_attribute("/model", "predictor", model.predictor);
  file.set_attribute("/model", "side", word_of(model.side));
  for (const auto& [name, widths] : {std::pair{"/model/hidden", &model.hidden},
                                     std::pair{"/model/predictor_hidden", &model.predictor_hidden}})
    file.write<std::int64_t>(name, {static_cast<std::int64_t>(widths->size())}, *widths);
}

ModelOptions read_potential(const CheckpointFile& file) {
  ModelOptions model;
  model.architecture = file.text("architecture");
  model.activation = file.choice<kernels::Activation>("activation");
  model.quadratic_rank = std::llround(file.number("quadratic_rank"));
  model.predictor = file.text("predictor");
  // Absent: from before there was a choice.
  model.side = file.choice<PotentialSide>("side", "source");
  model.hidden = file.list("hidden");
  model.predictor_hidden = file.list("predictor_hidden");
  return model;
}

void write_standardization(distributed::Hdf5File& file, const Standardization& standardization) {
  for (const auto& [name, side] : {std::pair{"source", &standardization.source},
                                   std::pair{"target", &standardization.target}}) {
    const std::string prefix = name;
    file.set_attribute("/model", prefix + "_scale", side->scale);
    file.write<double>("/model/" + prefix + "_mean", {static_cast<std::int64_t>(side->mean.size())},
                       side->mean);
  }
}

Standardization read_standardization(const CheckpointFile& file, std::int64_t dimension) {
  Standardization result;
  for (const auto& [name, side] :
       {std::pair{"source", &result.source}, std::pair{"target", &result.target}}) {
    const std::string prefix = name;
    side->scale = file.number(prefix + "_scale", 0.0);
    if (side->scale == 0) {  // a file from before there was any
      side->scale = 1;
      continue;
    }
    side->mean = file.numbers(prefix + "_mean");
    if (!(side->scale > 0) || !std::isfinite(side->scale) ||
        (!side->mean.empty() && static_cast<std::int64_t>(side->mean.size()) != dimension))
      throw UserError(
          fmt::format("{}: /model/{}_mean and {}_scale are damaged", file.name(), name, name));
  }
  return result;
}

void NeuralDual::write_description(distributed::Hdf5File& file) const {
  file.set_attribute("/model", "problem", word_of(ProblemKind::neural_dual));
  write_potential(file, description().architecture);
  file.set_attribute("/model", "dimension", description().dimension);
  file.set_attribute("/model", "samples", description().samples);
  file.set_attribute("/model", "cost", description().cost);
  file.set_attribute("/model", "path_nodes", description().path_nodes);
  file.set_attribute("/model", "path_points", description().path_points);
  const auto& ends = description().ends;
  if (!ends.empty())
    file.write<double>("/model/ends",
                       {static_cast<std::int64_t>(ends.size()) / dimension(), dimension()}, ends);
  write_standardization(file, description().standardization);
}

NeuralDual read_neural_dual(const std::filesystem::path& path, const Job& job,
                            std::optional<std::int64_t> dimension, TrainingState* state) {
  const CheckpointFile file(path);
  file.require_problem(ProblemKind::neural_dual);
  DualDescription found;
  found.architecture = read_potential(file);
  found.dimension = std::llround(file.number("dimension"));
  found.samples = file.text("samples");
  found.cost = file.text("cost", "");
  if (!found.cost.empty()) found.ends = file.numbers("ends");
  // Absent: from before there were any.
  found.path_nodes = std::llround(file.number("path_nodes", 0.0));
  found.path_points = std::llround(file.number("path_points", 0.0));
  found.standardization = read_standardization(file, found.dimension);
  const std::string have = potential_text(found.architecture), want = potential_text(job.model);
  if (have != want)
    throw UserError(
        fmt::format("{}: holds {}, but the job asks for {}; change [model] or train again",
                    file.name(), have, want));
  if (const std::string cost = least_action_text(read_least_action_cost(job)); cost != found.cost) {
    const auto named = [](const std::string& text) {
      return text.empty() ? std::string("squared_euclidean") : text;
    };
    throw UserError(
        fmt::format("{}: was trained for lagrangian {}, the job has {}; change "
                    "[lagrangian] or train again",
                    file.name(), named(found.cost), named(cost)));
  }
  if (job.path.initializer == PathInitializer::model &&
      (found.path_nodes != job.path.nodes || found.path_points != job.path.points))
    throw UserError(fmt::format(
        "{}: {}, but path.initializer = 'model' needs predictions with path.nodes = {} and "
        "path.points = {}; train again, or set path.initializer = 'straight'",
        file.name(),
        found.path_nodes == 0 ? "predicts no paths"
                              : fmt::format("predicts paths of {} nodes at {} points",
                                            found.path_nodes, found.path_points),
        job.path.nodes, job.path.points));
  if (found.dimension < 1)
    throw UserError(file.name() + ": not an otfleet checkpoint (no dimension)");
  if (dimension && *dimension != found.dimension)
    throw UserError(fmt::format("{}: was trained on points of dimension {}, these have {}",
                                file.name(), found.dimension, *dimension));
  NeuralDual dual(found, 0);
  file.read(dual, state);
  return dual;
}

}  // namespace otfleet
