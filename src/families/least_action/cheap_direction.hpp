#pragma once
#include <ostream>

#include "kernels/paths/lagrangian.hpp"

namespace otfleet {

/// Which way it is cheap to go at a point of the plane, and how much cheaper.
struct CheapDirection {
  double angle;  ///< of the metric's smaller eigenvalue
  double share;  ///< that eigenvalue over the larger one; 1: there is no such direction

  CheapDirection(const kernels::Lagrangian& lagrangian, const double* x);
};

/// The block $directions of a gnuplot script: short lines [x, y, dx, dy] along what is cheap over a
/// part of the plane. False: nothing is cheaper than anything else. A globe has none: its metric is
/// that of angles, and the same in all directions. Local.
bool write_directions(const kernels::Lagrangian& lagrangian, const double* low, const double* high,
                      std::ostream& script);

}  // namespace otfleet
