#include "src/scaling/scale_options.hpp"

#include "src/config/checks.hpp"

namespace otfleet {

void add_keys(KeyList& keys, ScaleOptions& scale) {
  using namespace checks;
  keys.add("ranks", scale.ranks, every(integer(1, 1 << 20)),
           "rank counts to measure on; []: 1, 2, 4, ... and all there are");
  keys.add("commands", scale.commands, not_empty, "what to measure");
  keys.add("steps", scale.steps, integer(1), "steps of every training that is timed");
  keys.add("repetitions", scale.repetitions, integer(1), "of every run; the median counts");
  keys.add("predict_ranks", scale.predict_ranks, integer(1, 1 << 20),
           "ranks up to which throughput is predicted");
}

}  // namespace otfleet
