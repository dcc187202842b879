#pragma once

namespace otfleet::kernels {

/// What it costs to move a unit of mass from point x to point y.
enum class GroundCost {
  squared_euclidean,  ///< |x − y|², not halved
  euclidean,          ///< |x − y|
  power,              ///< |x − y|^p
  cosine,             ///< 1 − <x, y>/(|x| |y|)
  great_circle,       ///< the angle between unit vectors: arccos <x, y>, or arccos(<x, y>/divisor)
  matrix,             ///< an entry of a stored matrix, whatever it stands for (stored_cost.hpp)
};

// A divisor above 1, as in Meta OT (Amos et al. 2023: 1 + 1e-4), keeps the derivative of an angle
// finite; points are then away from themselves, by about √(2 (divisor − 1)).

}  // namespace otfleet::kernels
