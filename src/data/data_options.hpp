#pragma once
#include <cstdint>
#include <utility>

#include "src/data/array_source.hpp"

namespace otfleet {

/// Measures: weights on points that all share, or, with problem.geometry = "clouds", the points
/// themselves, which may have weights, belong to groups and have contexts.
struct MeasureSource : ArraySource {
  std::int64_t first = 0;  // only so many of its measures, the first ones; 0: all
  ArraySource labels;      // [M] integers
  ArraySource weights;     // clouds: [n] or [M, n]; absent: equal
  ArraySource groups;      // clouds: [N] integers, which points are a measure
  ArraySource contexts;    // clouds: [M] or [M, C], what describes each measure

  MeasureSource() = default;
  // Not explicit: most measures are one array.
  MeasureSource(ArraySource array) : ArraySource(std::move(array)) {}  // NOLINT
};

/// [data]: what make builds populations from.
struct DataOptions {
  MeasureSource train, test;  // images or weights: [n], [M, n], [M, h, w], [M, d, h, w]; clouds:
                              // [n, d] or [M, n, d]
  MeasureSource train_target, test_target;  // only when the target side has its own measures
  ArraySource cost;                         // dense: a matrix [n, m]
  ArraySource points, target_points;  // dense, points: [n, d], [m, d]; the target's default to the
                                      // source's
};

void add_keys(KeyList& keys, DataOptions& data);

}  // namespace otfleet
