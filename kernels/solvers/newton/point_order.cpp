#include "kernels/solvers/newton/point_order.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace otfleet::kernels {

double cost_entry(const SeparableCost& cost, int i, int j) {
  double sum = 0;
  for (std::size_t d = cost.axes().size(); d-- > 0;) {
    const AxisCost& axis = cost.axes()[d];
    sum += axis.values[static_cast<std::size_t>(i % axis.n) * axis.m + j % axis.m];
    i /= axis.n;
    j /= axis.m;
  }
  return sum;
}

std::vector<int> point_order(const SeparableCost& cost, bool of_sources) {
  constexpr int most_features = 16, leaf = 8;
  const int points = of_sources ? cost.n() : cost.m(), others = of_sources ? cost.m() : cost.n();
  const int features = std::min(most_features, others);
  std::vector<double> feature(static_cast<std::size_t>(points) * features);
  const double most = cost.minimum() + 2 * cost.range();  // what stands for a forbidden entry
  for (int k = 0; k < features; ++k) {
    const int other = static_cast<int>(static_cast<long>(k) * others / features);
    for (int p = 0; p < points; ++p)
      feature[static_cast<std::size_t>(p) * features + k] =
          std::min(of_sources ? cost_entry(cost, p, other) : cost_entry(cost, other, p), most);
  }
  const auto value = [&](int point, int k) {
    return feature[static_cast<std::size_t>(point) * features + k];
  };

  std::vector<int> order(points);
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::pair<int, int>> ranges = {{0, points}};
  while (!ranges.empty()) {
    const auto [begin, end] = ranges.back();
    ranges.pop_back();
    if (end - begin <= leaf) continue;
    int widest = 0;
    double width = -1;
    for (int k = 0; k < features; ++k) {
      double low = value(order[begin], k), high = low;
      for (int at = begin + 1; at < end; ++at) {
        low = std::min(low, value(order[at], k));
        high = std::max(high, value(order[at], k));
      }
      if (high - low > width) {
        width = high - low;
        widest = k;
      }
    }
    const int middle = begin + ((end - begin) / 2 + leaf - 1) / leaf * leaf;
    std::nth_element(order.begin() + begin, order.begin() + middle, order.begin() + end,
                     [&](int x, int y) {
                       const double left = value(x, widest), right = value(y, widest);
                       return left != right ? left < right : x < y;
                     });
    ranges.emplace_back(begin, middle);
    ranges.emplace_back(middle, end);
  }
  return order;
}

}  // namespace otfleet::kernels
