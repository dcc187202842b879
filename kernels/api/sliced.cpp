#include "kernels/api/sliced.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>

#include "kernels/counter_random.hpp"
#include "kernels/device_views.hpp"
#include "kernels/problems/status.hpp"
#include "kernels/solvers/sliced/sliced.hpp"

namespace otfleet::kernels {
namespace {

/// One side of some problems: their measures, weights as shares and without points of weight 0.
struct SlicedSide {
  std::vector<double> shares, kept, means;  ///< of points; [M, d]
  std::vector<std::int64_t> begins = {0};
  std::vector<std::int32_t> used;  ///< [P], measures by their number here
  int largest = 0;
  DeviceArray<double> weights;
  DeviceArray<double, 2> points;
  DeviceArray<std::int64_t> offsets;
  DeviceArray<int> index;

  SlicedSide(const OwnPointsSide& side, std::span<const std::int32_t> problems, std::size_t d) {
    std::map<std::int32_t, std::int32_t> numbers;
    for (const std::int32_t one : problems) {
      const auto [at, is_new] = numbers.emplace(one, static_cast<std::int32_t>(begins.size() - 1));
      used.push_back(at->second);
      if (is_new) take(side, static_cast<std::size_t>(one), d);
    }
  }
  void take(const OwnPointsSide& side, std::size_t measure, std::size_t d) {
    const auto begin = static_cast<std::size_t>(side.offsets[measure]),
               end = static_cast<std::size_t>(side.offsets[measure + 1]);
    double mass = 0;
    for (std::size_t i = begin; i < end; ++i) mass += side.weights[i];
    if (!(mass > 0) || !std::isfinite(mass))
      throw std::invalid_argument("measure " + std::to_string(measure) + " has no weight");
    std::vector<double> mean(d, 0.0);
    for (std::size_t i = begin; i < end; ++i) {
      const double share = side.weights[i] / mass;
      if (!(share > 0)) continue;
      shares.push_back(share);
      const double* const point = side.points.data() + i * d;
      kept.insert(kept.end(), point, point + d);
      for (std::size_t c = 0; c < d; ++c) mean[c] += share * point[c];
    }
    largest = std::max(largest,
                       static_cast<int>(static_cast<std::int64_t>(shares.size()) - begins.back()));
    begins.push_back(static_cast<std::int64_t>(shares.size()));
    means.insert(means.end(), mean.begin(), mean.end());
  }
  void upload_all(std::size_t d) {
    weights = upload<double>("otfleet::sliced::weights", std::span<const double>(shares));
    points = upload<double>("otfleet::sliced::points", kept, shares.size(), d);
    offsets =
        upload<std::int64_t>("otfleet::sliced::offsets", std::span<const std::int64_t>(begins));
    index = upload<int>("otfleet::sliced::index", std::span<const std::int32_t>(used));
  }
  SlicedBatch<DeviceSpace>::Side view() const {
    return {view_of(points), view_of(weights), view_of(offsets), view_of(index), largest};
  }
};

/// Takes a point off all points: distances stay, and digits are kept.
void move_to_center(std::span<const double> center, SlicedSide& side) {
  for (auto* values : {&side.kept, &side.means})
    for (std::size_t at = 0; at < values->size(); ++at) (*values)[at] -= center[at % center.size()];
}

/// The difference of two means as a direction; false where there is none.
bool between_means(const double* from, const double* to, std::size_t d, double* direction) {
  double square = 0;
  for (std::size_t c = 0; c < d; ++c) {
    direction[c] = to[c] - from[c];
    square += direction[c] * direction[c];
  }
  if (!(square > 0)) return false;
  for (std::size_t c = 0; c < d; ++c) direction[c] /= std::sqrt(square);
  return true;
}

}  // namespace

std::vector<double> random_directions(int count, int coordinates, std::uint64_t seed) {
  const CounterRandom random(seed, 0);
  const auto d = static_cast<std::size_t>(coordinates);
  std::vector<double> all(static_cast<std::size_t>(count) * d);
  for (std::size_t k = 0; k < static_cast<std::size_t>(count); ++k) {
    double square = 0;
    for (std::size_t c = 0; c < d; ++c) {
      constexpr double turn = 6.283185307179586;
      const double length = std::sqrt(-2 * std::log1p(-random.uniform(2 * (k * d + c))));
      double& one = all[k * d + c];
      one = length * std::cos(turn * random.uniform(2 * (k * d + c) + 1));
      square += one * one;
    }
    for (std::size_t c = 0; c < d; ++c) all[k * d + c] /= std::sqrt(square);
  }
  return all;
}

SlicedResults sliced_distances(const SlicedProblems& problems, std::span<const double> directions,
                               const MaxSlicedSettings& settings) {
  const auto d = static_cast<std::size_t>(std::max(problems.coordinates, 1));
  const std::size_t slices = directions.size() / d, count = problems.source.size(),
                    starts = static_cast<std::size_t>(std::max(settings.starts, 1));
  if (problems.coordinates < 1 || slices < 2 || directions.size() != slices * d ||
      problems.target.size() != count)
    throw std::invalid_argument("directions are [K, coordinates], two or more");
  SlicedSide source(problems.sources, problems.source, d),
      target(problems.targets, problems.target, d);
  for (auto* side : {&source, &target}) {
    if (problems.sources.points.size() >= d)  // the same one, whichever problems these are
      move_to_center(problems.sources.points.first(d), *side);
    side->upload_all(d);
  }
  SlicedBatch<DeviceSpace> batch;
  batch.source = source.view();
  batch.target = target.view();
  batch.power = problems.power;
  const auto device_directions =
      upload<double>("otfleet::sliced::directions", directions, slices, d);
  const DeviceArray<double, 2> device_values("otfleet::sliced::values", count, slices);
  const DeviceArray<double, 2> device_bounds("otfleet::sliced::bounds", count, slices);
  sliced_values<DeviceSpace>(DeviceSpace(), batch, view_of(device_directions),
                             view_of(device_values), view_of(device_bounds));
  const auto values = device_values.download(), bounds = device_bounds.download();

  SlicedResults results;
  const std::size_t items = starts + 1;  // and the one between the means
  std::vector<double> begins(count * items * d);
  std::vector<std::size_t> order(slices);
  for (std::size_t k = 0; k < count; ++k) {
    const double* const mine = values.data() + k * slices;
    const auto number = static_cast<double>(slices);
    const double mean = std::accumulate(mine, mine + slices, 0.0) / number;
    double square = 0;
    for (std::size_t s = 0; s < slices; ++s) square += (mine[s] - mean) * (mine[s] - mean);
    results.sliced.push_back(mean);
    results.sliced_error.push_back(std::sqrt(square / (number - 1) / number));
    std::iota(order.begin(), order.end(), std::size_t(0));
    const std::size_t kept = std::min(starts, slices);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                      [mine](std::size_t s, std::size_t t) {
                        return mine[s] != mine[t] ? mine[s] > mine[t] : s < t;
                      });
    double* const to = begins.data() + k * items * d;
    for (std::size_t s = 0; s < starts; ++s) {
      const double* const from = directions.data() + order[s % kept] * d;
      std::copy(from, from + d, to + s * d);
    }
    const auto first = static_cast<std::size_t>(source.used[k]) * d,
               second = static_cast<std::size_t>(target.used[k]) * d;
    if (!between_means(source.means.data() + first, target.means.data() + second, d,
                       to + starts * d))
      std::copy(to, to + d, to + starts * d);
  }
  auto ascent = settings;
  ascent.starts = static_cast<int>(items);
  const auto direction = upload<double>("otfleet::sliced::starts", begins, count * items, d);
  const DeviceArray<double> value("otfleet::sliced::value", count * items),
      bound("otfleet::sliced::bound", count * items),
      residual("otfleet::sliced::residual", count * items);
  const DeviceArray<int> steps("otfleet::sliced::steps", count * items),
      status("otfleet::sliced::status", count * items);
  max_sliced<DeviceSpace>(DeviceSpace(), batch, ascent,
                          {view_of(direction), view_of(value), view_of(bound), view_of(residual),
                           view_of(steps), view_of(status)});
  const auto found = value.download(), limits = bound.download(), residuals = residual.download();
  const auto ends = direction.download();
  const auto made = steps.download(), why = status.download();
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t first = k * items;
    std::size_t best = first;
    double least = *std::min_element(bounds.data() + k * slices, bounds.data() + (k + 1) * slices);
    std::int32_t sum = 0;
    for (std::size_t item = first; item < first + items; ++item) {
      if (found[item] > found[best] || !std::isfinite(found[best])) best = item;
      if (limits[item] < least || !std::isfinite(least))
        least = limits[item];  // each plan bounds all directions
      sum += made[item];
    }
    results.max_sliced.push_back(found[best]);
    results.bound.push_back(std::max(least, found[best]));
    results.residual.push_back(residuals[best]);
    results.steps.push_back(sum);
    const bool finite = std::isfinite(found[best]) && std::isfinite(least);
    results.status.push_back(finite ? why[best] : static_cast<int>(Status::not_finite));
    const double* const one = ends.data() + best * d;
    results.direction.insert(results.direction.end(), one, one + d);
  }
  return results;
}

}  // namespace otfleet::kernels
