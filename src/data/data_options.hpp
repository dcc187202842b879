#pragma once
#include "src/data/array_source.hpp"

namespace otfleet {

/// [data]: what make builds populations from.
struct DataOptions {
  ArraySource train, test;                // images or weights: [M, n], [M, h, w], [M, d, h, w]
  ArraySource train_target, test_target;  // only when the target side has its own measures
  ArraySource cost;                       // dense: a matrix [n, m]
  ArraySource points, target_points;      // dense, points: [n, d], [m, d]; the target's default to
                                          // the source's
};

void add_keys(KeyList& keys, DataOptions& data);

}  // namespace otfleet
