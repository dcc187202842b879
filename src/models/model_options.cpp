#include "src/models/model_options.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include "src/config/checks.hpp"
#include "src/job.hpp"
#include "src/models/architectures.hpp"

namespace otfleet {

void add_keys(KeyList& keys, ModelOptions& model) {
  using namespace checks;
  keys.add("architecture", model.architecture, one_of(architecture_names()),
           architecture_doc() + "; mlp where none is named for neural_dual");
  keys.add("hidden", model.hidden, every(integer(1, 65536)),
           "widths of the hidden layers; [128, 128, 64] for neural_dual, [128, 128] for "
           "least_action, [64, 64, 64, 64] for metric_learning");
  keys.add("embedding", model.embedding, integer(1, 65536),
           "width of a measure's code, pair_encoder and pair_product");
  keys.add("head", model.head, every(integer(1, 65536)),
           "widths of the head's hidden layers, pair_encoder only");
  keys.add(
      "output_rank", model.output_rank, integer(0, 65536),
      "of the head's last layer, which costs (width + n) times this, pair_encoder only; 0: full");
  keys.add("pooling", model.pooling, integer(1, 65536),
           "points along every axis of a grid whose weights the encoder sees as one sum, "
           "pair_encoder and pair_product");
  keys.add("output_pooling", model.output_pooling, integer(1, 65536),
           "points along every axis of a grid for which the network has one output; linear "
           "between them; pair_product only");
  keys.add(
      "nodes", model.nodes, integer(0, 65536),
      "along every axis of the grid on which a model of clouds sees them and gives potentials; "
      "0: 64, 20 or 10 in 1, 2 or 3 dimensions");
  keys.add(
      "activation", model.activation,
      "of potentials and their predictors, silu for least_action and metric_learning; silu is not "
      "convex");
  keys.add("quadratic_rank", model.quadratic_rank, integer(0, 64),
           "of the quadratic of the input that every unit of an icnn adds; 0: none");
  keys.add("predictor", model.predictor, one_of(predictor_names()), predictor_doc());
  keys.add("predictor_hidden", model.predictor_hidden, every(integer(1, 65536)),
           "widths of its hidden layers");
  keys.add("side", model.side,
           "whose points the potential takes: source (its gradient maps forward, the conjugate "
           "solver back) or target (the other way round, for maps that jump between clouds); "
           "neural_dual only");
  keys.add("conditioning", model.conditioning,
           "how potentials depend on a problem's context: partial (its code scales the inputs of "
           "every layer and moves the outputs: of an icnn a partially input-convex network), "
           "generated (a linear layer of the code gives all weights), or none; conditional_map "
           "only, as the keys below");
  keys.add("context", model.context,
           "what the model sees of a problem: given (/problems/context), moments (means and "
           "covariances of both measures), samples of them (by a network of points, averaged), "
           "coupled (the same, with where the entropic plan between the samples sends each), or "
           "images (make.thumbnails of both, by a ResNet-18)");
  keys.add("context_hidden", model.context_hidden, every(integer(1, 65536)),
           "widths of the network that codes contexts, and of that of points");
  keys.add("context_points", model.context_points, integer(1, 1000000),
           "of either measure, for model.context = \"samples\" or \"coupled\"");
  keys.add("image_channels", model.image_channels, integer(1, 1024),
           "of the encoder's first stage, for model.context = \"images\"; 64: a ResNet-18; every "
           "further stage has twice as many");
  keys.add("start", model.start,
           "what the network adds to: the identity, or the map between the Gaussians with the "
           "moments of the problem's measures (gaussian)");
}

std::string model_complaint(const Job& job) {
  const auto& model = job.model;
  if (model.side != PotentialSide::source && !job.is_neural_dual())
    return "model.side = 'target' needs problem = 'neural_dual'";
  const ArchitectureEntry& chosen = *find_architecture(model.architecture);
  if (!job.learns_potentials())
    return chosen.uses.pairs
               ? ""
               : fmt::format(
                     "model.architecture = '{}' needs problem = 'neural_dual' or 'conditional_map'",
                     chosen.name);
  if (chosen.uses.velocities && !job.is_neural_dual()) return {};
  if (!chosen.uses.potentials)
    return fmt::format("model.architecture = '{}' is for populations; use '{}'", chosen.name,
                       fmt::join(architecture_names(&ArchitectureUses::potentials), "' or '"));
  if (auto complaint = chosen.complaint(model, "architecture"); !complaint.empty())
    return complaint;
  return model.has_predictor() ? find_architecture(model.predictor)->complaint(model, "predictor")
                               : "";
}

}  // namespace otfleet
