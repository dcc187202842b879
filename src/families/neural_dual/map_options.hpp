#pragma once
#include "src/data/array_source.hpp"

namespace otfleet {

/// From source to target, or back.
enum class MapDirection { forward, backward };

template <>
struct Choices<MapDirection> {
  static constexpr Choice<MapDirection> list[] = {{"forward", MapDirection::forward},
                                                  {"backward", MapDirection::backward}};
};

/// [map]: what solve pushes through trained maps, and how.
struct MapOptions {
  ArraySource points;            // [N, D], neural_dual and linear only
  Path images;                   // of colors, a folder or one, conditional_map only
  std::int64_t steps = 16;       // of the integration of a flow
  std::string method = "model";  // conditional_map only, see map_methods()
  double epsilon = 0;            // of method entropic, of a mean cost; 0: chosen
  std::int64_t turns = 50;       // of method sliced
  std::int64_t stages = 2;       // of method progressive
  MapDirection direction = MapDirection::forward;
};

void add_keys(KeyList& keys, MapOptions& map);

}  // namespace otfleet
