#pragma once

namespace otfleet::kernels {

/// What it costs to move a unit of mass from point x to point y.
enum class GroundCost {
  squared_euclidean,  ///< |x − y|², not halved
  euclidean,          ///< |x − y|
  power,              ///< |x − y|^p
  cosine,             ///< 1 − <x, y>/(|x| |y|)
  great_circle,       ///< arccos(<x, y>/(1 + 1e-4)) for unit vectors, as in Meta OT (Amos et al.
                      ///< 2023): the divisor keeps the derivative finite
};

inline constexpr double great_circle_divisor = 1 + 1e-4;

}  // namespace otfleet::kernels
