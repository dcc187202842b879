#pragma once

namespace otfleet::kernels {

/// The two sides of a transport problem.
enum class Side { source = 0, target = 1 };

constexpr Side other(Side side) {
  return side == Side::source ? Side::target : Side::source;
}

/// What an output asks of an operator.
struct OperatorUse {
  int fields = 0;      ///< that it keeps at once, of both sides
  bool costs = false;  ///< rows() with costs, apply_cost(), hard_min()
  bool means = false;
};

}  // namespace otfleet::kernels
