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

/// What makes conditional maps: a trained model, or without one a look at both measures.
enum class MapMethodName { model, gaussian, entropic, sliced };

template <>
struct Choices<MapMethodName> {
  static constexpr Choice<MapMethodName> list[] = {{"model", MapMethodName::model},
                                                   {"gaussian", MapMethodName::gaussian},
                                                   {"entropic", MapMethodName::entropic},
                                                   {"sliced", MapMethodName::sliced}};
};

/// [map]: what solve pushes through trained maps, and how.
struct MapOptions {
  ArraySource points;                           // [N, D], neural_dual and linear only
  Path images;                                  // of colors, a folder or one, conditional_map only
  std::int64_t steps = 16;                      // of the integration of a flow
  MapMethodName method = MapMethodName::model;  // conditional_map only
  double epsilon = 1e-2;                        // of method entropic, of a problem's mean cost
  std::int64_t turns = 50;                      // of method sliced
  MapDirection direction = MapDirection::forward;
};

void add_keys(KeyList& keys, MapOptions& map);

}  // namespace otfleet
