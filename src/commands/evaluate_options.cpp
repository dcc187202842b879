#include "src/commands/evaluate_options.hpp"

#include <algorithm>
#include <utility>

#include "src/config/checks.hpp"
#include "src/families/linear/initializers.hpp"

namespace otfleet {
namespace {

ChoicesField start_choice(StartChoice& starts) {
  const std::string all = "all";
  auto words = initializer_names();
  words.push_back(all);
  const auto read = [&starts, all] { return starts.all ? Names{all} : starts.names; };
  const auto write = [&starts, all](const Names& given) {
    starts.all = std::find(given.begin(), given.end(), all) != given.end();
    starts.names = starts.all ? Names{} : given;
  };
  return {std::move(words), read, write};
}

}  // namespace

void add_keys(KeyList& keys, EvaluateOptions& evaluate) {
  using namespace checks;
  keys.add("thresholds", evaluate.thresholds, every(above_zero),
           "L1 marginal errors, shares of the mass, to count iterations to; tolerances of the "
           "gradient's norm for least_action");
  keys.add("initializers", start_choice(evaluate.initializers),
           "starts to compare; []: zeros, gaussian where it fits, and the model if there is one; "
           "[\"all\"]: all that fit");
  keys.add("trace_iterations", evaluate.trace_iterations, integer(1), "length of the error curves");
  keys.add("pictures", evaluate.pictures, integer(0), "interpolated pairs to draw");
  keys.add("points", evaluate.points, integer(2, 5000),
           "samples of each side between which distances are taken, for neural_dual; memory 70 "
           "bytes times its square");
}

}  // namespace otfleet
