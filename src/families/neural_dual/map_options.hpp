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
  ArraySource points;       // [N, D], neural_dual only
  Path images;              // of colors, a folder or one, conditional_map only
  std::int64_t steps = 16;  // of the integration of a flow
  MapDirection direction = MapDirection::forward;
};

void add_keys(KeyList& keys, MapOptions& map);

}  // namespace otfleet
