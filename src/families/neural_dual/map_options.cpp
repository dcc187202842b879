#include "src/families/neural_dual/map_options.hpp"

#include "src/config/checks.hpp"
#include "src/families/conditional_map/methods/map_method_facts.hpp"

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
  keys.add("method", map.method, checks::one_of(map_method_names()),
           "what makes the maps: " + map_method_doc() + "; conditional_map only");
  keys.add(
      "epsilon", map.epsilon, checks::zero_or_more,
      "share of a problem's mean cost; 0: of that within the target the share with which the map "
      "between two halves of it moves points least; map.method = \"entropic\" only");
  keys.add("turns", map.turns, checks::integer(1, 10000), "map.method = \"sliced\" only");
  keys.add("stages", map.stages, checks::integer(1, 100), "map.method = \"progressive\" only");
  keys.add("direction", map.direction, "from source to target, or back");
}

}  // namespace otfleet
