#include "src/trainers/fine_tune_options.hpp"

#include "src/config/checks.hpp"

namespace otfleet {

void add_keys(KeyList& keys, FineTuneOptions& fine_tune) {
  using namespace checks;
  keys.add("steps", fine_tune.steps, integer(0),
           "steps on the problems to solve, before solving; 0: none");
  keys.add("learning_rate", fine_tune.learning_rate, above_zero,
           "of those steps; 2e-2 where none is named for conditional_map");
  keys.add(
      "batch", fine_tune.batch, integer(1),
      "problems per step, on each rank; of conditional_map samples of either side, each problem "
      "being tuned by itself");
}

}  // namespace otfleet
