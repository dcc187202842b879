#include "src/families/least_action/cheap_direction.hpp"

#include <algorithm>
#include <cmath>
#include <variant>

namespace otfleet {

// The entries of M are those of L at three velocities.
CheapDirection::CheapDirection(const kernels::Lagrangian& lagrangian, const double* x) {
  const auto square = [&](double v, double w) {
    const double still[2] = {0, 0}, velocity[2] = {v, w};
    return 2 * (lagrangian_at(lagrangian, x, velocity, 2) - lagrangian_at(lagrangian, x, still, 2));
  };
  const double a = square(1, 0), c = square(0, 1), b = (square(1, 1) - a - c) / 2;
  const double middle = (a + c) / 2, radius = std::hypot((a - c) / 2, b);
  angle = 0.5 * std::atan2(2 * b, a - c) + std::acos(0.0);
  share = (middle - radius) / (middle + radius);
}

bool write_directions(const kernels::Lagrangian& lagrangian, const double* low, const double* high,
                      std::ostream& script) {
  constexpr int steps = 26;  // along each axis
  if (std::holds_alternative<kernels::GlobeLagrangian>(lagrangian)) return false;
  bool any = false;
  script << "$directions << EOD\n";
  const double length = std::max(high[0] - low[0], high[1] - low[1]) / (2.6 * steps);
  const auto at = [&](int axis, int k) {
    return low[axis] + (k + 0.5) / steps * (high[axis] - low[axis]);
  };
  for (int i = 0; i < steps; ++i)
    for (int j = 0; j < steps; ++j) {
      const double x[2] = {at(0, i), at(1, j)};
      const CheapDirection cheap(lagrangian, x);
      if (!(cheap.share < 0.99)) continue;
      any = true;
      const double dx = length * std::cos(cheap.angle), dy = length * std::sin(cheap.angle);
      script << x[0] - dx << ' ' << x[1] - dy << ' ' << 2 * dx << ' ' << 2 * dy << '\n';
    }
  script << "EOD\n";
  return any;
}

}  // namespace otfleet
