#include "kernels/api/gromov_wasserstein.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>

#include "kernels/device_array.hpp"
#include "kernels/device_views.hpp"
#include "kernels/number_text.hpp"
#include "kernels/problems/exponents.hpp"
#include "kernels/problems/status.hpp"
#include "kernels/solvers/gromov_wasserstein/gromov_wasserstein.hpp"

namespace otfleet::kernels {
namespace detail {

/// The measures of a table that problems use, without points of weight 0.
struct UsedMeasures {
  std::vector<double> weights, points, matrices;
  std::vector<std::int64_t> offsets = {0};
  std::vector<std::vector<std::int32_t>> kept;  ///< of each, which of its points
  std::vector<std::int64_t> sizes;              ///< with points of weight 0
  std::vector<std::int32_t> index;              ///< [P]
  std::vector<double> rounding;                 ///< of costs between points of each
  int largest = 0;

  DeviceArray<double> device_weights, device_rounding, device_matrices;
  DeviceArray<double, 2> device_points;
  DeviceArray<std::int64_t> device_offsets;
  DeviceArray<int> device_index;
};

}  // namespace detail

namespace {

using detail::UsedMeasures;

/// Of the mass: points of less weight count for nothing, and there is room for what their weights
/// divide.
constexpr double least_share = 1e-200;

bool takes_directions(const GroundCost& cost) {
  return with_ground_cost(cost, [](const auto& typed) { return typed.takes_directions; });
}

/// Points as the kernels take them: unit vectors where the cost sees directions alone, else their
/// mean taken off, which changes no cost within the measure. Returns what no two of them are
/// further apart than.
double place_points(const GroundCost& cost, int dimension, int coordinates,
                    std::span<double> points, const std::string& name) {
  const bool directions = takes_directions(cost);
  const auto width = static_cast<std::size_t>(coordinates);
  const std::size_t count = points.size() / width;
  std::vector<double> mean(static_cast<std::size_t>(dimension), 0.0);
  if (!directions)
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t c = 0; c < mean.size(); ++c)
        mean[c] += points[i * width + c] / static_cast<double>(count);
  double reach = 0;
  for (std::size_t i = 0; i < count; ++i) {
    double square = 0;
    for (std::size_t c = 0; c < mean.size(); ++c) {
      double& x = points[i * width + c];
      x -= mean[c];
      square += x * x;
    }
    const double length = std::sqrt(square);
    const bool allowed = with_ground_cost(cost, [&](const auto& typed) {
      return square >= typed.least_square && square <= typed.most_square;
    });
    if (directions && !allowed)
      throw std::invalid_argument(name + "a point's place has the length " + number_text(length) +
                                  ", which the cost does not take");
    if (directions)
      for (std::size_t c = 0; c < mean.size(); ++c) points[i * width + c] /= length;
    reach = std::max(reach, directions ? 2.0 : 2 * length);
  }
  return reach;
}

/// The measures of problems, on the host. Throws as GromovWassersteinProblems::check().
UsedMeasures take_measures(const GromovWassersteinProblems::Kind& kind,
                           const GromovWassersteinSettings& settings,
                           const MetricMeasures& measures, std::span<const std::int32_t> index,
                           std::span<const std::int64_t> streams) {
  const bool matrices = !kind.cost.has_value();
  if (kind.features < 0 ||
      (matrices ? kind.features != kind.coordinates : kind.features >= kind.coordinates))
    throw std::invalid_argument(
        "points have a coordinate or more that are no features, and none beside matrices");
  if (index.size() != streams.size())
    throw std::invalid_argument("problems have a source, a target and a stream each");
  UsedMeasures used;
  const auto width = static_cast<std::size_t>(kind.coordinates);
  const int dimension = kind.coordinates - kind.features;
  std::vector<std::size_t> matrix_begins = {0};
  if (matrices)
    for (std::size_t k = 0; k + 1 < measures.offsets.size(); ++k) {
      const auto n = static_cast<std::size_t>(measures.offsets[k + 1] - measures.offsets[k]);
      matrix_begins.push_back(matrix_begins.back() + n * n);
    }
  if (matrices && matrix_begins.back() != measures.costs.size())
    throw std::invalid_argument("matrices have n² numbers for each measure");
  const auto matrix_begin = [&](std::int32_t one) {
    return matrix_begins[static_cast<std::size_t>(one)];
  };
  std::map<std::int32_t, std::int32_t> place;
  for (std::size_t k = 0; k < index.size(); ++k) {
    const std::int32_t one = index[k];
    const auto [at, is_new] = place.emplace(one, static_cast<std::int32_t>(used.sizes.size()));
    used.index.push_back(at->second);
    if (!is_new) continue;
    const std::string name = "problem " + std::to_string(streams[k]) + ": ";
    const auto first = static_cast<std::size_t>(measures.offsets[static_cast<std::size_t>(one)]),
               end = static_cast<std::size_t>(measures.offsets[static_cast<std::size_t>(one) + 1]);
    double mass = 0;
    for (std::size_t i = first; i < end; ++i) mass += measures.weights[i];
    std::vector<std::int32_t> kept;
    for (std::size_t i = first; i < end; ++i) {
      const double share = measures.weights[i] / mass;
      if (!(share > least_share)) continue;
      kept.push_back(static_cast<std::int32_t>(i - first));
      used.weights.push_back(share);
      const double* const point = measures.points.data() + i * width;
      used.points.insert(used.points.end(), point, point + width);
    }
    if (kept.empty()) throw std::invalid_argument(name + "a measure has no weight");
    double most = 0;
    if (matrices) {
      const double* const matrix = measures.costs.data() + matrix_begin(one);
      const std::size_t n = end - first;
      for (const std::int32_t i : kept)
        for (const std::int32_t l : kept) {
          const double cost = matrix[static_cast<std::size_t>(i) * n + static_cast<std::size_t>(l)];
          used.matrices.push_back(cost);
          most = std::max(most, std::abs(cost));
        }
      used.rounding.push_back(2e-12 * most);  // what matrices may lack of being symmetric
    } else {
      const double reach =
          place_points(*kind.cost, dimension, kind.coordinates,
                       std::span<double>(used.points).last(kept.size() * width), name);
      with_ground_cost(*kind.cost, [&](const auto& typed) {
        most = typed.bound(reach, dimension);
        used.rounding.push_back(typed.rounding(dimension, reach, most));
      });
    }
    check_exponents(name, 4 * most * most, settings.epsilon);
    used.largest = std::max(used.largest, static_cast<int>(kept.size()));
    used.offsets.push_back(used.offsets.back() + static_cast<std::int64_t>(kept.size()));
    used.kept.push_back(std::move(kept));
    used.sizes.push_back(static_cast<std::int64_t>(end - first));
  }
  return used;
}

/// Unless epsilon is large enough for the squared distances between features of any two points.
void check_features(const GromovWassersteinProblems::Kind& kind,
                    const GromovWassersteinSettings& settings, const UsedMeasures& sources,
                    const UsedMeasures& targets) {
  const auto width = static_cast<std::size_t>(kind.coordinates);
  double range = 0;
  for (auto c = static_cast<std::size_t>(kind.coordinates - kind.features); c < width; ++c) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const auto* side : {&sources, &targets})
      for (std::size_t at = c; at < side->points.size(); at += width) {
        low = std::min(low, side->points[at]);
        high = std::max(high, side->points[at]);
      }
    if (high > low) range += (high - low) * (high - low);
  }
  if (settings.alpha < 1) check_exponents("features: ", range, settings.epsilon);
}

void upload_measures(int coordinates, UsedMeasures& used) {
  used.device_weights =
      upload<double>("otfleet::gromov::weights", std::span<const double>(used.weights));
  used.device_matrices =
      upload<double>("otfleet::gromov::matrices", std::span<const double>(used.matrices));
  used.device_rounding =
      upload<double>("otfleet::gromov::rounding", std::span<const double>(used.rounding));
  used.device_points = upload<double>("otfleet::gromov::points", used.points, used.weights.size(),
                                      static_cast<std::size_t>(coordinates));
  used.device_offsets =
      upload<std::int64_t>("otfleet::gromov::offsets", std::span<const std::int64_t>(used.offsets));
  used.device_index =
      upload<int>("otfleet::gromov::index", std::span<const std::int32_t>(used.index));
}

InnerCosts<DeviceSpace> costs_of(const GromovWassersteinProblems::Kind& kind,
                                 const UsedMeasures& used) {
  MetricSpaces<DeviceSpace> spaces;
  spaces.dimension = kind.coordinates - kind.features;
  spaces.features = kind.features;
  spaces.weights = view_of(used.device_weights);
  spaces.points = view_of(used.device_points);
  spaces.offsets = view_of(used.device_offsets);
  auto costs = kind.cost ? inner_costs<DeviceSpace>(DeviceSpace(), spaces, used.offsets, *kind.cost)
                         : given_inner_costs<DeviceSpace>(DeviceSpace(), spaces, used.offsets,
                                                          view_of(used.device_matrices));
  costs.rounding = view_of(used.device_rounding);
  return costs;
}

constexpr std::size_t saved_figures = 9;  // beside an item's numbers, see progress()

}  // namespace

struct GromovWassersteinProblems::State {
  Kind kind;
  GromovWassersteinSettings settings;
  detail::UsedMeasures sources, targets;
  GromovWassersteinBatch<DeviceSpace> batch;
  std::vector<std::int64_t> offsets = {0};  ///< [items + 1], of numbers
  DeviceArray<std::int64_t> device_offsets, streams;
  DeviceArray<double> numbers, lower, residual, epsilon, inner_share;
  DeviceArray<int> before;  ///< [P], iterations before the last run
  DeviceArray<int> begun, iterations, inner_iterations, inner_limit, status;

  int starts() const { return kind.starts; }
  std::size_t item(std::int32_t problem, int start = 0) const {
    return static_cast<std::size_t>(problem) * static_cast<std::size_t>(kind.starts) +
           static_cast<std::size_t>(start);
  }
  std::size_t problems() const { return sources.index.size(); }
  /// Outer iterations, from the beginning, of the start that made most.
  int most_iterations(std::int32_t problem) const {
    const auto first = item(problem);
    const auto made = iterations.rows(first, first + static_cast<std::size_t>(starts())).download();
    return *std::max_element(made.begin(), made.end());
  }
  GromovWassersteinState<DeviceSpace> view() const {
    return {view_of(numbers),     view_of(device_offsets),   view_of(begun),
            view_of(lower),       view_of(residual),         view_of(epsilon),
            view_of(iterations),  view_of(inner_iterations), view_of(status),
            view_of(inner_share), view_of(inner_limit)};
  }
};

GromovWassersteinProblems::GromovWassersteinProblems(
    const Kind& kind, const GromovWassersteinSettings& settings, const MetricMeasures& sources,
    const MetricMeasures& targets, std::span<const std::int32_t> source,
    std::span<const std::int32_t> target, std::span<const std::int64_t> streams) {
  const auto state = std::make_shared<State>();
  state->kind = kind;
  state->settings = settings;
  state->sources = take_measures(kind, settings, sources, source, streams);
  state->targets = take_measures(kind, settings, targets, target, streams);
  check_features(kind, settings, state->sources, state->targets);
  for (auto* side : {&state->sources, &state->targets}) upload_measures(kind.coordinates, *side);
  state->batch.source = costs_of(kind, state->sources);
  state->batch.target = costs_of(kind, state->targets);
  state->batch.source_index = view_of(state->sources.device_index);
  state->batch.target_index = view_of(state->targets.device_index);
  state->batch.largest_source = state->sources.largest;
  state->batch.largest_target = state->targets.largest;
  state->batch.starts = kind.starts;
  for (std::size_t k = 0; k < source.size(); ++k) {
    const auto n = static_cast<std::int64_t>(
        state->sources.kept[static_cast<std::size_t>(state->sources.index[k])].size());
    const auto m = state->targets.kept[static_cast<std::size_t>(state->targets.index[k])].size();
    const std::int64_t row = padded_points<DeviceSpace>(static_cast<int>(m));
    for (int s = 0; s < kind.starts; ++s)
      state->offsets.push_back(state->offsets.back() + n + (n + 1) * row);
  }
  const std::size_t items = state->offsets.size() - 1;
  state->device_offsets = upload<std::int64_t>("otfleet::gromov::offsets",
                                               std::span<const std::int64_t>(state->offsets));
  state->streams = upload<std::int64_t>("otfleet::gromov::streams", streams);
  state->numbers = DeviceArray<double>("otfleet::gromov::numbers",
                                       static_cast<std::size_t>(state->offsets.back()));
  for (auto* array : {&state->lower, &state->residual, &state->epsilon, &state->inner_share})
    *array = DeviceArray<double>("otfleet::gromov::figures", items);
  for (auto* array : {&state->begun, &state->iterations, &state->inner_iterations,
                      &state->inner_limit, &state->status})
    *array = DeviceArray<int>("otfleet::gromov::counts", items);
  state->before = DeviceArray<int>("otfleet::gromov::before", source.size());
  state_ = state;
}

void GromovWassersteinProblems::check(const Kind& kind, const GromovWassersteinSettings& settings,
                                      const MetricMeasures& sources, const MetricMeasures& targets,
                                      std::span<const std::int32_t> source,
                                      std::span<const std::int32_t> target,
                                      std::span<const std::int64_t> streams) {
  check_features(kind, settings, take_measures(kind, settings, sources, source, streams),
                 take_measures(kind, settings, targets, target, streams));
}

void GromovWassersteinProblems::run(std::span<const std::int32_t> which, int limit,
                                    IterationObserver* observer) const {
  auto settings = state_->settings;
  settings.observer = observer;
  std::vector<int> until;
  for (const std::int32_t problem : which) {
    const auto k = static_cast<std::size_t>(problem);
    const int made = state_->most_iterations(problem);
    state_->before.rows(k, k + 1).fill(made);
    until.push_back(made + limit);
  }
  const auto index = upload<int>("otfleet::gromov::which", which),
             ends = upload<int>("otfleet::gromov::until", std::span<const int>(until));
  solve_gromov_wasserstein<DeviceSpace>(DeviceSpace(), state_->batch, settings, state_->kind.seed,
                                        view_of(state_->streams), view_of(index), view_of(ends),
                                        state_->view());
}

int GromovWassersteinProblems::iterations(std::int32_t problem) const {
  const auto k = static_cast<std::size_t>(problem);
  return state_->most_iterations(problem) - state_->before.rows(k, k + 1).download()[0];
}

int GromovWassersteinProblems::status(std::int32_t problem) const {
  const auto first = state_->item(problem);
  const auto all =
      state_->status.rows(first, first + static_cast<std::size_t>(state_->starts())).download();
  for (const Status one : {Status::ended, Status::iteration_limit, Status::converged})
    if (std::find(all.begin(), all.end(), static_cast<int>(one)) != all.end())
      return static_cast<int>(one);
  return all.front();
}

std::vector<double> GromovWassersteinProblems::progress(std::int32_t problem) const {
  std::vector<double> values;
  for (int s = 0; s < state_->starts(); ++s) {
    const auto item = state_->item(problem, s);
    const auto one = [&](const auto& array) {
      return static_cast<double>(array.rows(item, item + 1).download()[0]);
    };
    values.insert(values.end(),
                  {one(state_->begun), one(state_->lower), one(state_->iterations),
                   one(state_->epsilon), one(state_->residual), one(state_->inner_share),
                   one(state_->inner_limit), one(state_->inner_iterations), one(state_->status)});
    const auto numbers = state_->numbers
                             .rows(static_cast<std::size_t>(state_->offsets[item]),
                                   static_cast<std::size_t>(state_->offsets[item + 1]))
                             .download();
    values.insert(values.end(), numbers.begin(), numbers.end());
  }
  return values;
}

void GromovWassersteinProblems::set_progress(std::int32_t problem,
                                             std::span<const double> values) const {
  for (int s = 0; s < state_->starts(); ++s) {
    const auto item = state_->item(problem, s);
    const auto set = [&](const DeviceArray<int>& array, double value) {
      array.rows(item, item + 1).fill(static_cast<int>(value));
    };
    set(state_->begun, values[0]);
    state_->lower.rows(item, item + 1).fill(values[1]);
    set(state_->iterations, values[2]);
    state_->epsilon.rows(item, item + 1).fill(values[3]);
    state_->residual.rows(item, item + 1).fill(values[4]);
    state_->inner_share.rows(item, item + 1).fill(values[5]);
    set(state_->inner_limit, values[6]);
    set(state_->inner_iterations, values[7]);
    set(state_->status, values[8]);
    const auto numbers = state_->numbers.rows(static_cast<std::size_t>(state_->offsets[item]),
                                              static_cast<std::size_t>(state_->offsets[item + 1]));
    numbers.upload(values.subspan(saved_figures, numbers.size()));
    values = values.subspan(saved_figures + numbers.size());
  }
}

GromovWassersteinResults GromovWassersteinProblems::results() const {
  const std::size_t count = state_->problems(), items = state_->offsets.size() - 1;
  const DeviceArray<double> cost("otfleet::gromov::cost", items),
      upper("otfleet::gromov::upper", items), regularized("otfleet::gromov::value", items),
      error("otfleet::gromov::error", items);
  certify_gromov_wasserstein<DeviceSpace>(
      DeviceSpace(), state_->batch, state_->settings, state_->view(),
      {view_of(cost), view_of(upper), view_of(regularized), view_of(error)});
  const auto costs = cost.download(), uppers = upper.download(), values = regularized.download(),
             errors = error.download(), lowers = state_->lower.download(),
             residuals = state_->residual.download();
  const auto inner = state_->inner_iterations.download(), why = state_->status.download();
  GromovWassersteinResults results;
  for (std::size_t k = 0; k < count; ++k) {
    const auto first = state_->item(static_cast<std::int32_t>(k));
    std::size_t best = first;
    std::int64_t made = 0;
    for (std::size_t item = first; item < first + static_cast<std::size_t>(state_->starts());
         ++item) {
      made += inner[item];
      const bool is_number = std::isfinite(costs[item]) && std::isfinite(uppers[item]);
      if (is_number && !(costs[best] <= costs[item] && std::isfinite(uppers[best]))) best = item;
    }
    const bool finite = std::isfinite(costs[best]) && std::isfinite(uppers[best]) &&
                        std::isfinite(errors[best]) && std::isfinite(lowers[first]);
    results.cost.push_back(costs[best]);
    results.upper_bound.push_back(uppers[best]);
    // Nothing costs less than 0, whatever rounding leaves of the bound.
    results.lower_bound.push_back(std::max(lowers[first], 0.0));
    results.regularized_value.push_back(values[best]);
    results.marginal_error.push_back(errors[best]);
    results.residual.push_back(residuals[best]);
    results.start.push_back(static_cast<std::int32_t>(best - first));
    results.inner_iterations.push_back(
        static_cast<std::int32_t>(std::min<std::int64_t>(made, 2147483647)));
    // An error that is small enough says nothing of a plan that is not stationary.
    const auto status = static_cast<Status>(why[best]);
    results.status.push_back(static_cast<std::int32_t>(
        status == Status::converged || !finite
            ? final_status(status, errors[best], state_->settings.threshold, finite)
            : status));
  }
  return results;
}

std::vector<double> GromovWassersteinProblems::plan(std::int32_t problem, int start) const {
  const auto k = static_cast<std::size_t>(problem);
  const auto s = static_cast<std::size_t>(state_->sources.index[k]),
             t = static_cast<std::size_t>(state_->targets.index[k]);
  const auto &rows = state_->sources.kept[s], &columns = state_->targets.kept[t];
  const DeviceArray<double> plan("otfleet::gromov::plan", rows.size() * columns.size());
  gromov_wasserstein_plan<DeviceSpace>(
      DeviceSpace(), state_->batch, state_->settings, state_->view(),
      static_cast<int>(state_->item(problem, start)), view_of(plan));
  const auto found = plan.host();
  const auto width = static_cast<std::size_t>(state_->targets.sizes[t]);
  std::vector<double> all(static_cast<std::size_t>(state_->sources.sizes[s]) * width, 0.0);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < columns.size(); ++j)
      all[static_cast<std::size_t>(rows[i]) * width + static_cast<std::size_t>(columns[j])] =
          found[i * columns.size() + j];
  return all;
}

double GromovWassersteinProblems::bytes(std::int64_t n, std::int64_t m, int starts) {
  const auto row = static_cast<double>(padded_points<DeviceSpace>(static_cast<int>(m)));
  const auto rows = static_cast<double>(n);
  // What every start keeps; the plan, products and their sum on the way; both cost matrices.
  return sizeof(double) *
         ((starts * (rows + (rows + 1) * row) + 3 * rows * row + rows * rows + row * row));
}

}  // namespace otfleet::kernels
