#include "src/families/sliced/sliced_options.hpp"

#include "src/config/checks.hpp"
#include "src/job.hpp"

namespace otfleet {

void add_keys(KeyList& keys, SlicedOptions& options) {
  using namespace checks;
  keys.add("directions", options.directions, integer(2, 1000000),
           "random directions, over which the sliced distance is a mean");
  keys.add("starts", options.starts, integer(1, 1000000),
           "the best of them, which are improved to the one along which clouds are furthest apart");
  keys.add("steps", options.steps, integer(0, 1000000), "of each start, at most");
}

void set_sliced_defaults(Job& job) {
  job.problem.geometry = GeometryKind::clouds;
  job.solution.potentials = false;
}

}  // namespace otfleet
