#include "src/models/model_options.hpp"

#include <spdlog/fmt/fmt.h>

#include <utility>

#include "src/config/checks.hpp"
#include "src/job.hpp"

namespace otfleet {

void add_keys(KeyList& keys, ModelOptions& model) {
  using namespace checks;
  keys.add("architecture", model.architecture, one_of({"mlp", "pair_encoder", "icnn"}),
           "mlp or pair_encoder; for potentials mlp or icnn (input-convex)");
  keys.add("hidden", model.hidden, every(integer(1, 65536)),
           "widths of the hidden layers; [128, 128, 64] for potentials");
  keys.add("embedding", model.embedding, integer(1, 65536),
           "width of a measure's code, pair_encoder only");
  keys.add("head", model.head, every(integer(1, 65536)),
           "widths of the head's hidden layers, pair_encoder only");
  keys.add(
      "output_rank", model.output_rank, integer(0, 65536),
      "of the head's last layer, which costs (width + n) times this, pair_encoder only; 0: full");
  keys.add("pooling", model.pooling, integer(1, 65536),
           "points along every axis of a grid whose weights the encoder sees as one sum, "
           "pair_encoder only");
  keys.add("activation", model.activation,
           "of potentials and their predictors; silu is not convex");
  keys.add("quadratic_rank", model.quadratic_rank, integer(0, 64),
           "of the quadratic of the input that every unit of an icnn adds; 0: none");
  keys.add("predictor", model.predictor, one_of({"mlp", "icnn", "none"}),
           "of a conjugate's minimizer: y + mlp(y), the gradient of an icnn, or none (y itself)");
  keys.add("predictor_hidden", model.predictor_hidden, every(integer(1, 65536)),
           "widths of its hidden layers");
}

std::string model_complaint(const Job& job) {
  const auto& model = job.model;
  if (!job.seeks_potentials())
    return model.architecture == "icnn" ? "model.architecture = 'icnn' needs problem = 'potentials'"
                                        : "";
  if (model.architecture == "pair_encoder")
    return "model.architecture = 'pair_encoder' is for populations; use 'mlp' or 'icnn'";
  for (const auto& [key, architecture] :
       {std::pair{"architecture", &model.architecture}, std::pair{"predictor", &model.predictor}})
    if (*architecture == "icnn" && !kernels::is_convex(model.activation))
      return fmt::format("model.activation = '{}' is not convex; with model.{} = 'icnn' use 'elu'",
                         word_of(model.activation), key);
  return {};
}

}  // namespace otfleet
