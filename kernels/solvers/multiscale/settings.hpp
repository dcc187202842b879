#pragma once
#include <stdexcept>
#include <string>

#include "kernels/geometry/ground_cost.hpp"
#include "kernels/solvers/sinkhorn/settings.hpp"

namespace otfleet::kernels {

struct MultiscaleSettings {
  /// Of the last stage, at the job's epsilon on all points; stages before it stop by their own.
  SinkhornSettings sinkhorn;
  /// Of the threshold: what blocks that are left out may have of the marginals, both together.
  double left_out = 0.125;

  /// What certify() may leave out, so that its error is not above the threshold where the solver's
  /// was small enough: of every mass that the one sees and the other does not, at most so much.
  double certified_left_out() const { return sinkhorn.threshold / 64; }
  /// What the solver stops at. Its blocks are not those of the certificate, whose left-out
  /// mass counts twice there, and may count twice more in the rows.
  double stops_at() const { return sinkhorn.threshold - 4 * certified_left_out(); }
};

/// Why the multiscale solver does not take clouds of this cost and dimension, or empty: it does.
std::string multiscale_complaint(const GroundCost& cost, int dimension);

/// Throws std::invalid_argument.
inline void check_settings(const MultiscaleSettings& settings) {
  check_settings(settings.sinkhorn);
  if (!(settings.left_out > 0 && settings.left_out < 1))
    throw std::invalid_argument("left_out must be > 0 and < 1");
}

}  // namespace otfleet::kernels
