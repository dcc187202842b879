#include "src/families/neural_dual/map_options.hpp"

#include "src/config/checks.hpp"

namespace otfleet {

void add_keys(KeyList& keys, MapOptions& map) {
  add_array(keys, "points", map.points,
            "points [N, D] that solve pushes through a trained map, or with problem = \"linear\" "
            "through the entropic map of every plan of a population that was solved before");
  keys.add("images", map.images, checks::anything,
           "folder of the color images (or one image) that make.pixels made the sources of: solve "
           "writes every one with the colors that its problem's map gives; conditional_map only");
  keys.add("steps", map.steps, checks::integer(1, 10000),
           "of the integration of a flow; model.architecture = \"velocity\" only");
  keys.add(
      "method", map.method,
      "what makes the maps: a trained model; or, without one, the map between Gaussians with the "
      "measures' moments, the entropic map that Sinkhorn gives, or sliced transport; "
      "conditional_map only");
  keys.add("epsilon", map.epsilon, checks::above_zero,
           "share of a problem's mean cost; map.method = \"entropic\" only");
  keys.add("turns", map.turns, checks::integer(1, 10000), "map.method = \"sliced\" only");
  keys.add("direction", map.direction, "from source to target, or back");
}

}  // namespace otfleet
