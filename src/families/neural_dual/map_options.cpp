#include "src/families/neural_dual/map_options.hpp"

namespace otfleet {

void add_keys(KeyList& keys, MapOptions& map) {
  add_array(keys, "points", map.points,
            "points [N, D] that solve pushes through a trained map; neural_dual only");
  keys.add("direction", map.direction, "from source to target, or back");
}

}  // namespace otfleet
