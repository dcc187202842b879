#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "src/families/neural_dual/samplers/sampler.hpp"

namespace otfleet {

/// Moves and scales a distribution on R^D, to x' = (x − mean) / scale.
struct StandardCoordinates {
  std::vector<double> mean;  ///< [D]; empty: zeros
  double scale = 1;          ///< > 0

  /// Rows of points [B, D] into these coordinates, and back.
  void apply(std::span<double> points) const;
  void undo(std::span<double> points) const;
};

/// Coordinates of both sides in which networks are trained, so that they are as good whatever the
/// units of the samples are. With f' the potential there, the potential is
///   f(x) = s_x s_y f'(x') + <m_y, x>,   f*(y) = s_x s_y f'*(y') + <m_x, y − m_y>,
/// and so ∇f(x) = m_y + s_y ∇f'(x'), ∇f*(y) = m_x + s_x ∇f'*(y').
struct Standardization {
  StandardCoordinates source, target;
};

/// Mean zero and a mean variance of one a coordinate, as the first samples have them. Local.
StandardCoordinates standard_coordinates(const Sampler& sampler);

}  // namespace otfleet
