#include "src/families/conditional_map/conditional_checkpoint.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cmath>

#include "distributed/error.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"
#include "src/families/neural_dual/neural_dual_checkpoint.hpp"

namespace otfleet {
namespace {

std::string conditional_text(const ModelOptions& model) {
  std::string text = fmt::format("{}, start = {}, conditioning = {}", potential_text(model),
                                 word_of(model.start), word_of(model.conditioning));
  if (model.conditioning != Conditioning::none)
    text += fmt::format(" by context = {}, context_hidden = [{}]", word_of(model.context),
                        fmt::join(model.context_hidden, ", "));
  if (model.conditioning != Conditioning::none && sees_samples(model.context))
    text += fmt::format(", context_points = {}", model.context_points);
  if (model.conditioning != Conditioning::none && model.context == ContextKind::images)
    text += fmt::format(", image_channels = {}", model.image_channels);
  return text;
}

}  // namespace

void ConditionalModel::write_description(distributed::Hdf5File& file) const {
  const ModelOptions& model = description_.architecture;
  file.set_attribute("/model", "problem", word_of(ProblemKind::conditional_map));
  write_potential(file, model);
  file.set_attribute("/model", "dimension", description_.dimension);
  write_standardization(file, description_.standardization);
  file.set_attribute("/model", "conditioning", word_of(model.conditioning));
  file.set_attribute("/model", "context", word_of(model.context));
  file.set_attribute("/model", "start", word_of(model.start));
  file.set_attribute("/model", "context_numbers", description_.context);
  file.set_attribute("/model", "context_points", model.context_points);
  file.set_attribute("/model", "image_channels", model.image_channels);
  file.write<std::int64_t>("/model/context_hidden",
                           {static_cast<std::int64_t>(model.context_hidden.size())},
                           model.context_hidden);
  for (const auto& [name, values] :
       {std::pair{"/model/context_mean", &description_.context_mean},
        std::pair{"/model/context_deviation", &description_.context_deviation}})
    file.write<double>(name, {static_cast<std::int64_t>(values->size())}, *values);
}

std::unique_ptr<ConditionalModel> read_conditional(const std::filesystem::path& path,
                                                   const Job& job,
                                                   const CloudPopulation& population,
                                                   const std::string& population_name,
                                                   TrainingState* state) {
  const CheckpointFile file(path);
  file.require_problem(ProblemKind::conditional_map);
  ConditionalDescription found;
  ModelOptions& model = found.architecture;
  model = read_potential(file);
  found.dimension = std::llround(file.number("dimension"));
  found.standardization = read_standardization(file, found.dimension);
  model.conditioning = file.choice<Conditioning>("conditioning");
  model.context = file.choice<ContextKind>("context");
  model.start = file.choice<MapStart>("start");
  model.context_hidden = file.list("context_hidden");
  model.context_points = std::llround(file.number("context_points"));
  if (model.context == ContextKind::images)
    model.image_channels = std::llround(file.number("image_channels"));
  found.context = std::llround(file.number("context_numbers"));
  found.context_mean = file.numbers("context_mean");
  found.context_deviation = file.numbers("context_deviation");
  const std::string have = conditional_text(model), want = conditional_text(job.model);
  if (have != want)
    throw UserError(
        fmt::format("{}: holds {}, but the job asks for {}; change [model] or train again",
                    file.name(), have, want));
  if (found.dimension < 1 || found.context < 0 || model.context_hidden.empty())
    throw UserError(file.name() + ": not an otfleet checkpoint (no dimension or context)");
  const std::size_t given =
      model.context == ContextKind::given ? static_cast<std::size_t>(found.context) : 0;
  if (found.context_mean.size() != given || found.context_deviation.size() != given)
    throw UserError(file.name() + ": /model/context_mean and context_deviation are damaged");
  require_fitting(found, population, population_name);
  auto result = make_conditional_model(found, 0);
  file.read(*result, state);
  return result;
}

}  // namespace otfleet
