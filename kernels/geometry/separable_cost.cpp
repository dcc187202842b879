#include "kernels/geometry/separable_cost.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "kernels/geometry/table_cache.hpp"

namespace otfleet::kernels {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

SeparableCost::SeparableCost(std::vector<AxisCost> axes)
    : axes_(std::move(axes)), tables_(std::make_shared<TableCache>()) {
  if (axes_.empty() || axes_.size() > max_axes)
    throw std::invalid_argument("a cost needs one to three axes, got " +
                                std::to_string(axes_.size()));
  double maximum = 0;
  for (const AxisCost& axis : axes_) {
    if (axis.n < 1 || axis.m < 1 ||
        axis.values.size() != static_cast<std::size_t>(axis.n) * static_cast<std::size_t>(axis.m))
      throw std::invalid_argument("a cost axis of " + std::to_string(axis.n) + " x " +
                                  std::to_string(axis.m) + " points has " +
                                  std::to_string(axis.values.size()) + " values");
    double low = infinity, high = -infinity;
    for (const double value : axis.values) {
      if (value == infinity && axes_.size() == 1) {
        forbids_ = true;
        continue;
      }
      if (!std::isfinite(value)) throw std::invalid_argument("a cost is not finite");
      low = std::min(low, value);
      high = std::max(high, value);
    }
    if (high < low) throw std::invalid_argument("no entry of the cost is finite");
    minimum_ += low;
    offset_ += std::abs(low);
    maximum += high;
    n_ *= axis.n;
    m_ *= axis.m;
  }
  range_ = maximum - minimum_;
  // Axes are contracted from the last to the first, in either direction.
  for (std::size_t done = 0; done <= axes_.size(); ++done) {
    int to_target = 1, to_source = 1;
    for (std::size_t d = 0; d < axes_.size(); ++d) {
      const bool contracted = d >= axes_.size() - done;
      to_target *= contracted ? axes_[d].m : axes_[d].n;
      to_source *= contracted ? axes_[d].n : axes_[d].m;
    }
    max_points_ = std::max({max_points_, to_target, to_source});
  }
}

double SeparableCost::longest_detour() const {
  return forbids_ ? range_ * (std::min(n_, m_) + 1) : range_;
}

double SeparableCost::summed_terms() const {
  double terms = 2.0 * n_ + 2.0 * m_;
  for (const AxisCost& axis : axes_) terms += axis.n + axis.m;
  return terms;
}

SeparableCost SeparableCost::squared_euclidean_grid(const std::vector<std::vector<double>>& axes) {
  std::vector<AxisCost> costs;
  for (const std::vector<double>& x : axes) {
    AxisCost cost{static_cast<int>(x.size()), static_cast<int>(x.size()), {}};
    cost.values.reserve(x.size() * x.size());
    for (double from : x)
      for (double to : x) cost.values.push_back((from - to) * (from - to));
    costs.push_back(std::move(cost));
  }
  SeparableCost result(std::move(costs));
  if (axes.size() == 1) result.line_ = axes[0];
  return result;
}

SeparableCost SeparableCost::dense(int n, int m, std::vector<double> values) {
  return SeparableCost({AxisCost{n, m, std::move(values)}});
}

}  // namespace otfleet::kernels
