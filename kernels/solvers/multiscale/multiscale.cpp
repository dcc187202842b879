#include "kernels/solvers/multiscale/multiscale.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <stdexcept>

#include "kernels/geometry/box_cost.hpp"
#include "kernels/problems/whole_clouds.hpp"
#include "kernels/solvers/multiscale/level.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// What stages before the last one ask for: so many times what the last one may leave of its
/// marginals, where epsilon is the same; else a fixed error.
constexpr double same_epsilon_share = 0.25, annealing_error = 0.05;
constexpr int most_annealing_iterations = 200;
/// Epsilon falls by that from stage to stage.
constexpr double annealing = 4;
/// A level is fine enough for an epsilon when crossing what became one of its points costs so many
/// of it.
constexpr double most_crossing = 2;

/// The blocks of a level at one epsilon, and what they leave out.
template <class ExecutionSpace, class Scalar>
class LevelBlocks {
 public:
  using LevelType = Level<ExecutionSpace, Scalar>;

  /// `budget`: what both marginals may lack together.
  LevelBlocks(LevelType& level, const GroundCost& cost, double scale, double cost_error,
              double budget, CloudCommunicator* communicator)
      : level_(level),
        pairs_(level.source.cells.tree, level.target.cells.tree, cost, scale, cost_error),
        budget_(budget),
        communicator_(communicator) {}

  /// Where g is not known yet.
  void choose_near_targets() {
    constexpr double bits = 20;
    level_.target.side.points.kept = keep_cells<ExecutionSpace>(
        pairs_.near_rows(Side::target, level_.source.summary(), bits), communicator_);
  }
  /// By both potentials as they stand; a quarter of the budget, so that they may move.
  void choose() {
    constexpr double room = 0.25;
    pairs_.choose_by_share(level_.source.summary(), level_.target.summary(), room * budget_ / 2);
    const CellLists lists = pairs_.kept();
    level_.source.side.points.kept = keep_cells<ExecutionSpace>(lists, communicator_);
    level_.target.side.points.kept = keep_cells<ExecutionSpace>(
        transpose(lists, level_.target.cells.tree.cells()), communicator_);
  }
  /// Of both marginals.
  double measure() {
    missing_ = 2 * all_max(communicator_,
                           pairs_.left_out(level_.source.summary(), level_.target.summary()));
    return missing_;
  }
  void choose_if_due() {
    if (!(missing_ <= budget_)) choose();
  }

 private:
  LevelType& level_;
  CellPairs pairs_;
  double budget_, missing_ = 0;
  CloudCommunicator* communicator_;
};

/// Updates on kept blocks, whose error counts what is left out.
template <class ExecutionSpace, class Scalar>
struct BlockUpdates : ExactUpdates<ExecutionSpace, Scalar> {
  LevelBlocks<ExecutionSpace, Scalar>& blocks;

  double error(const ExecutionSpace& space,
               const IterationSide<ExecutionSpace, Scalar>& source) const {
    constexpr double most = 2;  // of any plan of that mass, whatever bounds say
    const double missing = blocks.measure();
    return ExactUpdates<ExecutionSpace, Scalar>::error(space, source) +
           (missing > most ? most : missing);
  }
};

/// Does a row of f say anything? Zeros, as all constants, do not.
template <class ExecutionSpace>
bool has_start(const ExecutionSpace& space, const Vector<double, ExecutionSpace>& f) {
  double least = 0, most = 0;
  Kokkos::parallel_reduce(
      "otfleet::multiscale::least", Kokkos::RangePolicy<ExecutionSpace>(space, 0, f.extent_int(0)),
      KOKKOS_LAMBDA(int i, double& found) {
        const double value = f(i);
        if (!(value >= found) && value != -Kokkos::Experimental::infinity<double>::value)
          found = value;
      },
      Kokkos::Min<double>(least));
  Kokkos::parallel_reduce(
      "otfleet::multiscale::most", Kokkos::RangePolicy<ExecutionSpace>(space, 0, f.extent_int(0)),
      KOKKOS_LAMBDA(int i, double& found) {
        if (f(i) > found) found = f(i);
      },
      Kokkos::Max<double>(most));
  return !(least == most);
}

/// One problem.
template <class Scalar, class ExecutionSpace>
class MultiscaleRun {
 public:
  using Problem = CloudProblem<ExecutionSpace, Scalar>;
  using LevelType = Level<ExecutionSpace, Scalar>;

  MultiscaleRun(const ExecutionSpace& space, const CloudProblems<ExecutionSpace>& batch,
                const Problem& problem, const MultiscaleSettings& settings,
                CloudCommunicator* communicator)
      : space_(space),
        batch_(batch),
        problem_(problem),
        settings_(settings),
        communicator_(communicator),
        cost_(form_of_cost(batch)) {
    const auto make = [&](const auto& side) {
      return LevelSide<ExecutionSpace, Scalar>(space, *problem.arena,
                                               make_cell_side<Scalar>(space, *problem.arena, side));
    };
    levels_.push_back({make(problem.source), make(problem.target), 0});
  }

  /// From f, on all points. Calls report(t, error) and goes_on(t).
  template <class Report, class GoesOn>
  Outcome from_start(const Vector<double, ExecutionSpace>& f, const Report& report,
                     const GoesOn& goes_on) {
    auto& source = levels_[0].source;
    const double largest =
        largest_on_support<ExecutionSpace>(space_, f, source.cells.support, nullptr);
    const auto host = to_host(f, f.extent_int(0));
    const auto index = to_host(source.cells.support.index, source.cells.count());
    source.potential.clear();
    for (std::size_t i = 0; i < index.size(); ++i)
      source.potential.push_back(host[static_cast<std::size_t>(index[i])] - largest -
                                 source.cells.log2_weights[i] * std::log(2.0) *
                                     settings_.sinkhorn.epsilon);
    levels_[0].target.potential.clear();
    return last_stage(report, goes_on);
  }

  /// Without a start. asked() says on coarser levels whether to go on.
  template <class Report, class GoesOn, class Asked>
  Outcome from_coarse(const Report& report, const GoesOn& goes_on, const Asked& asked) {
    while (auto coarser =
               make_coarser<Scalar>(space_, *problem_.arena, batch_.ground_cost, levels_.back()))
      levels_.push_back(std::move(*coarser));
    const double last = settings_.sinkhorn.epsilon;
    std::size_t level = levels_.size() - 1;
    levels_[level].source.potential.assign(
        static_cast<std::size_t>(levels_[level].source.cells.count()), 0.0);
    levels_[level].target.potential.clear();
    double epsilon = std::max(last, problem_.bound / annealing);
    while (true) {
      // As coarse as this epsilon allows.
      const auto is_fine_enough = [&](std::size_t which) {
        return levels_[which].crossing_cost <= most_crossing * epsilon;
      };
      while (level > 0 && !is_fine_enough(level)) level = refine(level);
      if (level == 0 && epsilon == last) return last_stage(report, goes_on);
      const bool same = epsilon == last;
      StopRule rule;
      rule.threshold = same ? same_epsilon_share * settings_.sinkhorn.threshold
                            : std::max(annealing_error, settings_.sinkhorn.threshold);
      rule.max_iterations = most_annealing_iterations;
      rule.rounding = rounding_error<Scalar>(scale_of(epsilon) * problem_.bound);
      rule.patience = 8;
      const Outcome outcome = stage(
          levels_[level], epsilon, rule, settings_.left_out * rule.threshold, [](int, double) {},
          [&](int) { return asked(); });
      if (!asked() || outcome.status == Status::not_finite) return {outcome.status, 0, false};
      if (same)
        level = refine(level);
      else
        epsilon = std::max(last, epsilon / annealing);
    }
  }

  void store(const Vector<double, ExecutionSpace>& f) const {
    const double scale = scale_of(settings_.sinkhorn.epsilon);
    store_potential<ExecutionSpace, Scalar>(space_, {problem_.source.place, scale, 0},
                                            levels_[0].source.side, f);
  }

 private:
  static double scale_of(double epsilon) { return 1 / (epsilon * std::log(2.0)); }

  /// The next finer level, its potentials from those of `level`, which end with that.
  std::size_t refine(std::size_t level) {
    auto &coarse = levels_[level], &fine = levels_[level - 1];
    if (coarse.target.potential.empty()) {  // never iterated
      fine.source.potential.assign(static_cast<std::size_t>(fine.source.cells.count()), 0.0);
      return level - 1;
    }
    coarse.source.load(scale_of(solved_at_), false);
    coarse.target.load(scale_of(solved_at_), false);
    extend(space_, batch_, coarse.target, fine.source, scale_of(solved_at_), communicator_);
    extend(space_, batch_, coarse.source, fine.target, scale_of(solved_at_), communicator_);
    return level - 1;
  }

  template <class Report, class GoesOn>
  Outcome last_stage(const Report& report, const GoesOn& goes_on) {
    const auto& sinkhorn = settings_.sinkhorn;
    const double scale = scale_of(sinkhorn.epsilon);
    StopRule rule = sinkhorn.stop_rule(rounding_error<Scalar>(scale * problem_.bound));
    rule.threshold = settings_.stops_at();
    return stage(levels_[0], sinkhorn.epsilon, rule, settings_.left_out * sinkhorn.threshold,
                 report, goes_on);
  }

  template <class Report, class GoesOn>
  Outcome stage(LevelType& level, double epsilon, const StopRule& rule, double budget,
                const Report& report, const GoesOn& goes_on) {
    const double scale = scale_of(epsilon);
    LevelBlocks<ExecutionSpace, Scalar> blocks(level, batch_.ground_cost, scale, problem_.rounding,
                                               budget, communicator_);
    auto &source = level.source.side, &target = level.target.side;
    const bool close = solved_at_ == epsilon;  // what coarser points say of sums
    level.source.load(scale, close);
    const bool momentum = settings_.sinkhorn.acceleration == Acceleration::momentum;
    if (level.target.potential.empty()) {
      blocks.choose_near_targets();
      target.shift_fits = false;
      sum_exponentials(space_, cost_, target, source, scale);
      fit_potential(space_, target);
      target.shift_fits = true;
    } else {
      level.target.load(scale, close);
    }
    blocks.choose();
    const auto length = static_cast<std::size_t>(momentum ? source.points.count : 0);
    if (previous_.extent(0) < length) previous_ = problem_.arena->template take<Scalar>(length);
    BlockUpdates<ExecutionSpace, Scalar> updates{{momentum, previous_}, blocks};
    const Outcome outcome = iterate(
        space_, *problem_.arena, cost_, source, target, updates,
        std::numeric_limits<double>::infinity(), true, rule, scale, [](bool) {}, report,
        [&](int t) {
          blocks.choose_if_due();
          return goes_on(t);
        });
    level.source.store(scale);
    level.target.store(scale);
    solved_at_ = epsilon;
    return outcome;
  }

  const ExecutionSpace& space_;
  const CloudProblems<ExecutionSpace>& batch_;
  const Problem& problem_;
  const MultiscaleSettings& settings_;
  CloudCommunicator* communicator_;
  CostForm cost_;
  std::deque<LevelType> levels_;  ///< the first one has the problem's own points
  Vector<Scalar, ExecutionSpace> previous_;
  double solved_at_ = 0;  ///< epsilon
};

}  // namespace

std::string multiscale_complaint(const GroundCost& cost, int dimension) {
  std::string complaint;
  if (!has_box_bounds(cost)) {
    complaint = "it needs a cost with a lower bound between boxes, which '";
    complaint += name_of(cost);
    complaint += "' does not have";
  } else if (dimension < 1 || dimension > most_cell_coordinates) {
    complaint = "it takes points of at most " + std::to_string(most_cell_coordinates) +
                " coordinates, these have " + std::to_string(dimension);
  }
  return complaint;
}

template <class Scalar, class ExecutionSpace>
void multiscale_sinkhorn(const ExecutionSpace& space, const CloudBatch<ExecutionSpace>& problems,
                         const MultiscaleSettings& settings, bool from_zeros,
                         const Vector<double, ExecutionSpace>& f,
                         const Vector<int, ExecutionSpace>& iterations,
                         const Vector<int, ExecutionSpace>& status,
                         const Vector<int, ExecutionSpace>& replaced, const IterationWatch& watch) {
  check_settings(settings);
  if (problems.costs.extent(0) > 0)
    throw std::invalid_argument(
        "the multiscale solver needs points, these problems have costs alone");
  if (problems.size() == 0) return;
  const auto complaint =
      multiscale_complaint(problems.source.ground_cost(), problems.source.dimension());
  if (!complaint.empty()) throw std::invalid_argument("the multiscale solver: " + complaint);
  const auto count = static_cast<std::size_t>(problems.size());
  check_outputs(count, iterations, status, Matrix<double, ExecutionSpace>(), replaced);
  flat_rows("f", f, problems.source_offsets());  // throws where sizes do not fit

  const auto whole = gather_clouds(space, problems);
  const auto batch = make_cloud_problems(whole.batch, settings.sinkhorn.epsilon);
  check_range<Scalar>(batch, 1 / (settings.sinkhorn.epsilon * std::log(2.0)));
  const bool is_shared = whole.communicator != nullptr;
  const auto all =
      is_shared && !from_zeros
          ? gather_values<ExecutionSpace>(space, whole.communicator, whole.source, f)
      : is_shared ? Vector<double, ExecutionSpace>("otfleet::multiscale::potential",
                                                   static_cast<std::size_t>(whole.source.total))
                  : f;
  const auto offsets = whole.batch.source_offsets();
  const auto rows = flat_rows("f", all, offsets);
  const Kokkos::View<int*, Kokkos::HostSpace> done("otfleet::multiscale::iterations", count);
  const Kokkos::View<int*, Kokkos::HostSpace> verdict("otfleet::multiscale::status", count);
  const auto host_replaced = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), replaced);
  IterationObserver* const observer = settings.sinkhorn.observer;
  for_each_cloud_problem<Scalar>(space, batch, 1.0, [&](const auto& problem) {
    const int k = problem.k;
    const auto row = problem.source_row(rows);
    verdict(k) = static_cast<int>(Status::ended);
    if (observer != nullptr && observer->ended()) return;
    MultiscaleRun<Scalar, ExecutionSpace> run(space, batch, problem, settings, whole.communicator);
    const auto store = [&] {
      run.store(row);
      if (is_shared) take_own<ExecutionSpace>(space, whole.source, all, f);
    };
    double last_error = 0;
    bool ended = false, doubtful = false;
    const auto report = [&](int, double error) { last_error = error; };
    const double most = settings.sinkhorn.doubtful_error;
    const auto report_start = [&](int t, double error) {
      last_error = error;
      // An error that is not a number is doubtful, too.
      doubtful = t == 0 && std::isfinite(most) && !(error <= most);
    };
    const auto asks = [&](int t, const auto& fetch) {
      ended = ended || (observer != nullptr && !observer->goes_on(k, t, last_error)) ||
              (watch && !watch(t, fetch));
      return !ended;
    };
    const auto goes_on = [&](int t) { return asks(t, store); };
    const bool starts = !from_zeros && has_start<ExecutionSpace>(space, row);
    Outcome outcome;
    if (starts)
      outcome = run.from_start(row, report_start, [&](int t) { return !doubtful && goes_on(t); });
    if (!starts || doubtful) {
      outcome = run.from_coarse(report, goes_on, [&] { return asks(0, [] {}); });
      if (doubtful && host_replaced.extent(0) > 0) host_replaced(k) = 1;
    }
    done(k) = outcome.iterations;
    if (ended && outcome.status == Status::iteration_limit) outcome.status = Status::ended;
    verdict(k) = static_cast<int>(outcome.status);
    if (outcome.status != Status::ended || outcome.iterations > 0) store();
  });
  Kokkos::deep_copy(iterations, done);
  Kokkos::deep_copy(status, verdict);
  Kokkos::deep_copy(replaced, host_replaced);
}

#define OTFLEET_INSTANTIATE(Space, Scalar)                                                \
  template void multiscale_sinkhorn<Scalar, Space>(                                       \
      const Space&, const CloudBatch<Space>&, const MultiscaleSettings&, bool,            \
      const Vector<double, Space>&, const Vector<int, Space>&, const Vector<int, Space>&, \
      const Vector<int, Space>&, const IterationWatch&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, float)
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE, double)

}  // namespace otfleet::kernels
