#include "src/scaling/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace otfleet {
namespace {

/// Least squares for y = constant + slope · x with neither below zero.
std::pair<double, double> fit_line(const std::vector<double>& x, const std::vector<double>& y) {
  const auto count = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0, raw_xx = 0, raw_xy = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    mean_x += x[k] / count;
    mean_y += y[k] / count;
  }
  for (std::size_t k = 0; k < x.size(); ++k) {
    xx += (x[k] - mean_x) * (x[k] - mean_x);
    xy += (x[k] - mean_x) * (y[k] - mean_y);
    raw_xx += x[k] * x[k];
    raw_xy += x[k] * y[k];
  }
  const double through_origin = raw_xx > 0 ? std::max(0.0, raw_xy / raw_xx) : 0;
  if (xx <= 1e-12 * raw_xx) return {0, through_origin};  // one x: a constant cannot be told apart
  const double slope = xy / xx, constant = mean_y - slope * mean_x;
  if (slope < 0) return {std::max(0.0, mean_y), 0};
  if (constant < 0) return {0, through_origin};
  return {constant, slope};
}

double rounds(int ranks) {
  return ranks > 1 ? std::ceil(std::log2(ranks)) : 0;
}

}  // namespace

double CostModel::sum_seconds(int ranks, double bytes) const {
  if (ranks <= 1) return 0;
  const double moved = 2 * (ranks - 1.0) / ranks * bytes;
  return latency * rounds(ranks) + (bandwidth > 0 ? moved / bandwidth : 0);
}

RunParts CostModel::predict(int ranks, double items) const {
  RunParts parts;
  parts.serial = serial;
  parts.compute = item_seconds * items / ranks;
  parts.communication =
      small_sums * sum_seconds(ranks, 0) + large_sums * exposed * sum_seconds(ranks, large_bytes);
  parts.io = io_seconds * items;
  parts.waiting = ranks > 1 ? waiting : 0;
  return parts;
}

void fit_network(CostModel& model, const std::vector<ReductionTiming>& timings) {
  const ReductionTiming *smallest = nullptr, *largest = nullptr;
  for (const auto& timing : timings) {
    if (timing.ranks < 2) continue;
    // The most ranks say most about the network.
    const auto better = [&](const ReductionTiming* other, bool by_bytes) {
      return other == nullptr || timing.ranks > other->ranks ||
             (timing.ranks == other->ranks && by_bytes);
    };
    if (better(smallest, smallest != nullptr && timing.bytes < smallest->bytes)) smallest = &timing;
    if (better(largest, largest != nullptr && timing.bytes > largest->bytes)) largest = &timing;
  }
  if (smallest == nullptr) return;
  model.latency = smallest->seconds / rounds(smallest->ranks);
  const double moved = 2 * (largest->ranks - 1.0) / largest->ranks * largest->bytes;
  const double left = largest->seconds - model.latency * rounds(largest->ranks);
  model.bandwidth = moved / std::max(left, 1e-9);
}

void fit_runs(CostModel& model, const std::vector<ScalingRun>& runs) {
  std::vector<double> items_each, computing, items, io;
  double waiting = 0, together = 0, large = 0, hidden_or_not = 0;
  for (const auto& run : runs) {
    if (run.oversubscribed) continue;
    items_each.push_back(run.items / run.ranks);
    computing.push_back(run.parts.serial + run.parts.compute);
    items.push_back(run.items);
    io.push_back(run.parts.io);
    if (run.ranks == 1) continue;
    waiting += run.parts.waiting;
    ++together;
    large += run.parts.communication - model.small_sums * model.sum_seconds(run.ranks, 0);
    hidden_or_not += model.large_sums * model.sum_seconds(run.ranks, model.large_bytes);
  }
  std::tie(model.serial, model.item_seconds) = fit_line(items_each, computing);
  const auto [io_constant, io_slope] = fit_line(items, io);
  model.serial += io_constant;
  model.io_seconds = io_slope;
  model.waiting = together > 0 ? waiting / together : 0;
  if (hidden_or_not > 0) model.exposed = std::max(0.0, large / hidden_or_not);
}

std::string largest_overhead(const RunParts& parts) {
  std::pair<double, const char*> all[] = {{parts.serial, "serial"},
                                          {parts.communication, "communication"},
                                          {parts.io, "io"},
                                          {parts.waiting, "waiting"}};
  return std::max_element(std::begin(all), std::end(all),
                          [](const auto& a, const auto& b) { return a.first < b.first; })
      ->second;
}

ScalingLimit find_limit(const CostModel& model, double items, bool weak, int most) {
  for (int ranks = 1; ranks <= most; ranks *= 2) {
    const RunParts parts = model.predict(ranks, weak ? items * ranks : items);
    if (parts.compute < 0.5 * parts.total()) return {ranks, largest_overhead(parts)};
  }
  return {};
}

}  // namespace otfleet
