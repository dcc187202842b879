#include "kernels/free_support/free_support.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>

#include "kernels/free_support/checks.hpp"
#include "kernels/free_support/group.hpp"
#include "kernels/free_support/moves.hpp"
#include "kernels/free_support/transport_observer.hpp"
#include "kernels/outputs/cloud_projection.hpp"
#include "kernels/problems/status.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Of the residual, which errors of a plan may be: a move is then off by a tenth or so.
constexpr double plan_share = 0.1;
/// Plans become a little better than they have to be, so that the rounding of their certificates
/// does not decide.
constexpr double aim = 0.99;
/// Between the errors that plans may have: problems with the same one are solved side by side.
constexpr double accuracy_ratio = 4;

/// The largest error threshold · 4^k that is not above a share of the residual.
double accuracy_for(double residual, double threshold) {
  double accuracy = threshold;
  while (accuracy * accuracy_ratio <= plan_share * residual) accuracy *= accuracy_ratio;
  return accuracy;
}

/// Moves problems until they stop.
template <class ExecutionSpace>
class FreeSupportRun {
 public:
  FreeSupportRun(const ExecutionSpace& space, const FreeSupportBatch<ExecutionSpace>& problems,
                 const FreeSupportSettings& settings, std::span<const int> which,
                 const FreeSupports<ExecutionSpace>& supports, FreeSupportProgress& progress)
      : space_(space),
        problems_(problems),
        settings_(settings),
        which_(which.begin(), which.end()),
        supports_(supports),
        progress_(progress),
        unit_points_(
            make_unit_points(space, problems.measures.points(),
                             static_cast<std::int64_t>(problems.measures.offsets().back()))),
        observer_(settings.observer),
        moves_(which.size(), 0),
        residual_(which.size()) {
    const BarycenterTransports transports(problems, which_);
    spread_ = find_spreads(space, problems.measures, transports.begin, transports.measure,
                           transports.share);
    for (std::size_t p = 0; p < which_.size(); ++p) {
      const auto k = static_cast<std::size_t>(which_[p]);
      residual_[p] = progress.residual[k];
      if (!(progress.accuracy[k] > 0)) progress.accuracy[k] = accuracy_for(1, settings.threshold);
      progress.moves[k] = 0;
      progress.status[k] = static_cast<int>(Status::ended);
    }
  }

  void run() {
    std::vector<int> active(which_.size());
    std::iota(active.begin(), active.end(), 0);
    while (!active.empty() && !ended_) {
      std::map<double, std::vector<int>, std::greater<>> by_accuracy;
      for (const int p : active)
        by_accuracy[progress_.accuracy[static_cast<std::size_t>(which_[p])]].push_back(p);
      active.clear();
      for (const auto& [accuracy, places] : by_accuracy) {
        if (is_ended(places.front())) break;
        for (const int p : step(places, accuracy)) active.push_back(p);
      }
    }
  }

 private:
  /// Whether the observer ends the batch; it is told of one problem.
  bool is_ended(int place) {
    const auto p = static_cast<std::size_t>(place);
    if (settings_.observer != nullptr &&
        !settings_.observer->goes_on(place, moves_[p], residual_[p]))
      ended_ = true;
    return ended_;
  }

  /// Solves the transports of problems that are as exact, and moves their points; returns those
  /// that have not stopped.
  std::vector<int> step(const std::vector<int>& places, double accuracy) {
    std::vector<int> list;
    for (const int p : places) list.push_back(which_[static_cast<std::size_t>(p)]);
    const FreeSupportGroup<ExecutionSpace> group(space_, problems_, supports_, list,
                                                 settings_.epsilon);
    const auto verdicts = solve(group, places, accuracy);
    const auto d = supports_.points.extent(1), rows = group.points.extent(0);
    const Vector<double, ExecutionSpace> projection(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::free_support::projection"),
        static_cast<std::size_t>(group.batch.target_offsets().back()) * d);
    project_clouds<ExecutionSpace>(space_, group.batch, settings_.epsilon, Projection::to_source,
                                   group.f, unit_points_, projection);
    const Matrix<double, ExecutionSpace> moved(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::free_support::moved"), rows, d);
    const auto found = find_moves<ExecutionSpace>(
        space_, group.transports.begin, group.transports.share, group.batch.target.weights(),
        projection, group.points, group.last, moved);
    group.potential_parts.scatter(space_, group.f, supports_.f);
    std::vector<int> going_on, moving;
    std::vector<bool> slows(places.size(), false);
    for (std::size_t a = 0; a < places.size(); ++a) {
      const auto p = static_cast<std::size_t>(places[a]);
      const double residual = std::sqrt(found.square[a]) / spread_[p];
      if (verdicts[a] == Status::ended) continue;
      slows[a] = found.along[a] < 0 || residual > residual_[p];
      residual_[p] = progress_.residual[static_cast<std::size_t>(list[a])] = residual;
      const Next next = decide(p, residual, verdicts[a], accuracy <= settings_.threshold);
      if (next == Next::stop) continue;
      going_on.push_back(places[a]);
      if (next == Next::move) moving.push_back(static_cast<int>(a));
    }
    move(group, moving, slows, moved);
    return going_on;
  }

  /// The worst status of a problem's transports, for each of the group.
  std::vector<Status> solve(const FreeSupportGroup<ExecutionSpace>& group,
                            const std::vector<int>& places, double accuracy) {
    const auto count = group.transports.measure.size();
    SinkhornSettings settings;
    settings.epsilon = settings_.epsilon;
    settings.threshold = aim * accuracy;
    settings.inner_iterations = settings_.inner_iterations;
    settings.max_iterations = settings_.max_iterations;
    settings.acceleration = settings_.momentum ? Acceleration::momentum : Acceleration::none;
    if (settings_.observer != nullptr) {
      std::vector<int> place;
      for (const int a : group.transports.problem)
        place.push_back(places[static_cast<std::size_t>(a)]);
      observer_.watch(std::move(place), moves_, residual_);
      settings.observer = &observer_;
    }
    const Vector<int, ExecutionSpace> iterations("otfleet::free_support::iterations", count),
        status("otfleet::free_support::status", count);
    sinkhorn<double, ExecutionSpace>(space_, group.batch, settings, false, group.f, iterations,
                                     status);
    const auto made = host_copy(iterations), ends = host_copy(status);
    std::vector<Status> worst(group.list.size(), Status::converged);
    for (std::size_t t = 0; t < count; ++t) {
      const auto a = static_cast<std::size_t>(group.transports.problem[t]);
      progress_.iterations[static_cast<std::size_t>(group.list[a])] += made[t];
      worst[a] = std::max(worst[a], static_cast<Status>(ends[t]));
    }
    ended_ = settings_.observer != nullptr && settings_.observer->ended();
    return worst;
  }

  enum class Next { stop, move, solve_again };

  /// What follows a residual that comes from plans with this verdict, `exact` ones or not.
  Next decide(std::size_t p, double residual, Status plans, bool exact) {
    const auto k = static_cast<std::size_t>(which_[p]);
    const auto stop = [&](Status why) {
      progress_.status[k] = static_cast<int>(why);
      return Next::stop;
    };
    if (plans == Status::not_finite || !std::isfinite(residual)) return stop(Status::not_finite);
    const bool still = residual <= settings_.point_threshold;
    const bool last = moves_[p] == settings_.max_moves;
    if (exact && still) return stop(plans);
    if (exact && last) return stop(Status::iteration_limit);
    progress_.accuracy[k] =
        std::min(progress_.accuracy[k],
                 still || last ? settings_.threshold : accuracy_for(residual, settings_.threshold));
    return last ? Next::solve_again : Next::move;
  }

  /// Where plans are as exact as in the end, and a move goes further than the last one all the
  /// same, their errors may be as large as moves, which then lead nowhere.
  void make_plans_better(int k) {
    double& accuracy = progress_.accuracy[static_cast<std::size_t>(k)];
    if (accuracy <= settings_.threshold &&
        accuracy > std::min(settings_.threshold, plan_share * settings_.point_threshold))
      accuracy /= accuracy_ratio;
  }

  /// Momentum of problem k, which begins anew where a move goes against the last one, or further.
  double momentum_factor(int k, bool slows) {
    int& ascents = progress_.ascents[static_cast<std::size_t>(k)];
    const bool begins_anew = ascents < 0 || slows;
    if (begins_anew && ascents >= 0) make_plans_better(k);
    ascents = begins_anew ? 0 : ascents + 1;
    return settings_.momentum ? ascents / (ascents + 3.0) : 0.0;
  }

  /// Puts the problems `moving` of the group where they move to, and beyond.
  void move(const FreeSupportGroup<ExecutionSpace>& group, const std::vector<int>& moving,
            const std::vector<bool>& slows, const Matrix<double, ExecutionSpace>& moved) {
    if (moving.empty()) return;
    std::vector<double> factor(group.list.size(), 0.0);
    std::vector<int> to;
    for (const int a : moving) {
      const auto at = static_cast<std::size_t>(a);
      to.push_back(group.list[at]);
      factor[at] = momentum_factor(to.back(), slows[at]);
      ++progress_.moves[static_cast<std::size_t>(to.back())];
    }
    extrapolate<ExecutionSpace>(space_, factor, moved, group.last, group.points);
    const auto length = static_cast<std::int64_t>(moved.size() / group.list.size());
    const Segments<ExecutionSpace> from(multiples(static_cast<int>(group.list.size()), length),
                                        std::span<const int>(moving)),
        into(multiples(problems_.size(), length), std::span<const int>(to));
    const Vector<double, ExecutionSpace> some(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::free_support::some"),
        from.size());
    from.gather(space_, group.points, some);
    into.scatter(space_, some, supports_.points);
    from.gather(space_, moved, some);
    into.scatter(space_, some, supports_.last);
    for (std::size_t p = 0; p < which_.size(); ++p)
      moves_[p] = progress_.moves[static_cast<std::size_t>(which_[p])];
  }

  const ExecutionSpace& space_;
  const FreeSupportBatch<ExecutionSpace>& problems_;
  const FreeSupportSettings& settings_;
  std::vector<int> which_;
  const FreeSupports<ExecutionSpace>& supports_;
  FreeSupportProgress& progress_;
  UnitPoints<ExecutionSpace> unit_points_;
  TransportObserver observer_;
  // [which]
  std::vector<int> moves_;
  std::vector<double> residual_, spread_;
  bool ended_ = false;
};

}  // namespace

template <class ExecutionSpace>
std::vector<std::int64_t> FreeSupportBatch<ExecutionSpace>::potential_offsets() const {
  std::vector<std::int64_t> result = {0};
  for (int k = 0; k < size(); ++k) {
    result.push_back(result.back());
    for (std::int64_t at = offsets[k]; at < offsets[k + 1]; ++at)
      result.back() += measures.size(index[static_cast<std::size_t>(at)]);
  }
  return result;
}

template <class ExecutionSpace>
void solve_free_supports(const ExecutionSpace& space,
                         const FreeSupportBatch<ExecutionSpace>& problems,
                         const FreeSupportSettings& settings, std::span<const int> which,
                         const FreeSupports<ExecutionSpace>& supports,
                         FreeSupportProgress& progress) {
  if (which.empty()) return;
  check_free_supports(problems, settings.epsilon, supports);
  SinkhornSettings limits;
  limits.threshold = settings.threshold;
  limits.inner_iterations = settings.inner_iterations;
  limits.max_iterations = settings.max_iterations;
  check_settings(limits);
  if (!(settings.point_threshold > 0)) throw std::invalid_argument("point_threshold must be > 0");
  if (settings.max_moves < 0) throw std::invalid_argument("max_moves must be >= 0");
  FreeSupportRun<ExecutionSpace>(space, problems, settings, which, supports, progress).run();
}

#define OTFLEET_INSTANTIATE(Space)                                                           \
  template struct FreeSupportBatch<Space>;                                                   \
  template void solve_free_supports<Space>(const Space&, const FreeSupportBatch<Space>&,     \
                                           const FreeSupportSettings&, std::span<const int>, \
                                           const FreeSupports<Space>&, FreeSupportProgress&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
