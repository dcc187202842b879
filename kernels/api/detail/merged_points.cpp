#include "kernels/api/detail/merged_points.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace otfleet::kernels::detail {

std::int64_t MergedPoints::member(std::size_t j, double u) const {
  const auto begin = shares_.begin() + static_cast<std::ptrdiff_t>(begin_[j]),
             end = shares_.begin() + static_cast<std::ptrdiff_t>(begin_[j + 1]);
  const auto at = std::upper_bound(begin, end, u) - shares_.begin() - 1;
  return which_[static_cast<std::size_t>(at)];
}

MergedPoints merge_points(const WeightedPoints& measure, std::size_t d,
                          const CounterRandom& random) {
  MergedPoints merged;
  merged.given = measure.weights.size();
  if (measure.points.size() != merged.given * d)
    throw std::invalid_argument("points [n, d] and weights [n] do not fit");
  double sum = 0;
  for (const double weight : measure.weights) sum += weight > 0 ? weight : 0;
  if (!(sum > 0) || !std::isfinite(sum)) throw std::invalid_argument("a measure without weight");
  for (const double x : measure.points)
    if (!std::isfinite(x)) throw std::invalid_argument("a coordinate is not finite");
  // What is less has no share of any number of samples, and its inverse no place in double.
  constexpr double least_share = 1e-200;
  std::vector<std::int64_t> order;
  for (std::size_t j = 0; j < merged.given; ++j)
    if (measure.weights[j] / sum > least_share) order.push_back(static_cast<std::int64_t>(j));
  const auto row = [&](std::int64_t j) {
    return measure.points.subspan(static_cast<std::size_t>(j) * d, d);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) {
    return std::ranges::lexicographical_compare(row(i), row(j));
  });
  struct Group {
    std::size_t begin, end;
  };
  std::vector<Group> groups;
  for (std::size_t at = 0; at < order.size();) {
    std::size_t end = at + 1;
    while (end < order.size() && std::ranges::equal(row(order[at]), row(order[end]))) ++end;
    groups.push_back({at, end});
    at = end;
  }
  for (std::size_t k = groups.size(); k > 1; --k)
    std::swap(groups[k - 1], groups[random.below(k, k)]);
  for (const auto& [begin, end] : groups) {
    double weight = 0;
    for (std::size_t at = begin; at < end; ++at) {
      merged.which_.push_back(order[at]);
      merged.shares_.push_back(weight);
      weight += measure.weights[static_cast<std::size_t>(order[at])];
    }
    for (std::size_t at = merged.begin_.back(); at < merged.which_.size(); ++at)
      merged.shares_[at] /= weight;
    merged.begin_.push_back(merged.which_.size());
    merged.weights.push_back(weight / sum);
    const auto point = row(order[begin]);
    merged.points.insert(merged.points.end(), point.begin(), point.end());
  }
  return merged;
}

}  // namespace otfleet::kernels::detail
