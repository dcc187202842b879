#include "src/commands/evaluate_options.hpp"

#include "src/config/checks.hpp"
#include "src/families/linear/initializers.hpp"

namespace otfleet {
namespace {

std::string known_initializers(const std::vector<std::string>& values) {
  auto names = initializer_names();
  names.emplace_back("all");
  return checks::none_or_every(checks::one_of(names))(values);
}

}  // namespace

void add_keys(KeyList& keys, EvaluateOptions& evaluate) {
  using namespace checks;
  keys.add("thresholds", evaluate.thresholds, every(above_zero),
           "L1 marginal errors, shares of the mass, to count iterations to");
  keys.add("initializers", evaluate.initializers, known_initializers,
           "starts to compare; []: zeros, gaussian where it fits, and the model if there is one; "
           "[\"all\"]: all that fit");
  keys.add("trace_iterations", evaluate.trace_iterations, integer(1), "length of the error curves");
  keys.add("pictures", evaluate.pictures, integer(0), "interpolated pairs to draw");
  keys.add("points", evaluate.points, integer(2, 5000),
           "samples of each side between which distances are taken, for neural_dual; memory 70 "
           "bytes times its square");
}

}  // namespace otfleet
