#pragma once

namespace otfleet {

/// Wall seconds of this rank.
struct SolveSeconds {
  double start = 0;    ///< initializer or prediction
  double iterate = 0;  ///< Sinkhorn, Newton
  double certify = 0;
  double plan = 0;     ///< entries of plans, projections
  double waiting = 0;  ///< for other ranks that iterate the same problem; part of the others
};

}  // namespace otfleet
