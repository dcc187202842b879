#include "src/models/architecture_record.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cmath>

#include "distributed/error.hpp"
#include "src/job.hpp"
#include "src/models/architectures.hpp"

namespace otfleet {

void write_architecture(distributed::Hdf5File& file, const ModelOptions& model) {
  file.set_attribute("/model", "architecture", model.architecture);
  for (const auto& [name, widths] :
       {std::pair{"/model/hidden", &model.hidden}, std::pair{"/model/head", &model.head}})
    file.write<std::int64_t>(name, {static_cast<std::int64_t>(widths->size())}, *widths);
  file.set_attribute("/model", "embedding", model.embedding);
  file.set_attribute("/model", "output_rank", model.output_rank);
  file.set_attribute("/model", "pooling", model.pooling);
  file.set_attribute("/model", "output_pooling", model.output_pooling);
}

ModelOptions read_architecture(const CheckpointFile& file) {
  file.require_problem(ProblemKind::linear);
  ModelOptions model;
  model.architecture = file.text("architecture");
  model.hidden = file.list("hidden");
  model.head = file.list("head");
  model.embedding = std::llround(file.number("embedding"));
  model.output_rank = std::llround(file.number("output_rank"));
  model.pooling = std::llround(file.number("pooling"));
  model.output_pooling = std::llround(file.number("output_pooling", 1));
  return model;
}

void refuse_pooling(const ModelOptions& model) {
  for (const auto& [key, pooling] :
       {std::pair{"pooling", model.pooling}, std::pair{"output_pooling", model.output_pooling}})
    if (pooling > 1)
      throw UserError(fmt::format("model.{} = {} needs weights on a grid", key, pooling));
}

std::string architecture_text(const ModelOptions& model) {
  const auto* architecture = find_architecture(model.architecture);
  return fmt::format("{} with hidden = [{}]{}", model.architecture, fmt::join(model.hidden, ", "),
                     architecture == nullptr ? "" : architecture->text(model));
}

void require_same_architecture(const std::string& file, const ModelOptions& found,
                               const ModelOptions& wanted) {
  const auto have = architecture_text(found), want = architecture_text(wanted);
  if (have != want)
    throw UserError(fmt::format(
        "{}: holds {}, but the job asks for {}; change [model] or train again", file, have, want));
}

}  // namespace otfleet
