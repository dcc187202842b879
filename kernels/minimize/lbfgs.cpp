#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "kernels/backend.hpp"
#include "kernels/minimize/active_points.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Numbers of a point's line search: J and its slope along the direction at x, the present step and
/// the interval in which steps are looked for, and what the next first step is scaled by where
/// curvature is not positive.
enum Search { value_at_x, slope_at_x, step, low, high, growth, search_numbers };

constexpr int most_memory = 64;

/// One evaluation of one point, by a team: what its line search makes of it, and if that ends, the
/// step, the pair, and the next direction.
template <class ExecutionSpace, class Scalar>
struct LbfgsRound {
  using Member = Team<ExecutionSpace>;
  using Pairs = Kokkos::View<Scalar***, Kokkos::LayoutRight, typename ExecutionSpace::memory_space>;

  LbfgsSettings settings;
  int dimension;
  double rounding;  ///< relative, of values of J
  Matrix<const Scalar, ExecutionSpace> y;
  Matrix<Scalar, ExecutionSpace> x;
  Conjugates<ExecutionSpace, Scalar> result;
  Pairs step_pairs, slope_pairs;
  Matrix<Scalar, ExecutionSpace> start, gradient, direction, inverse_product, trial, trial_gradient;
  Vector<Scalar, ExecutionSpace> trial_value;
  Matrix<double, ExecutionSpace> search;
  Vector<int, ExecutionSpace> pairs, trials, active;
  bool first;  ///< the trial is the start

  /// The sum of term(i) over the dimensions, in double: in float, J must be as good as f allows.
  template <class Term>
  KOKKOS_FUNCTION double sum_of(const Member& team, const Term& term) const {
    double sum = 0;
    if constexpr (Backend<ExecutionSpace>::team_is_one_thread) {
      constexpr int lanes = Backend<ExecutionSpace>::partial_sums;
      int i = 0;
      if (dimension >= lanes) {
        double parts[lanes] = {};
        for (; i + lanes <= dimension; i += lanes)
          for (int e = 0; e < lanes; ++e) parts[e] += term(i + e);
        for (int half = lanes / 2; half > 0; half /= 2)
          for (int e = 0; e < half; ++e) parts[e] += parts[e + half];
        sum = parts[0];
      }
      for (; i < dimension; ++i) sum += term(i);
    } else {
      Kokkos::parallel_reduce(
          Kokkos::TeamThreadRange(team, dimension), [&](int i, double& part) { part += term(i); },
          sum);
    }
    return sum;
  }

  KOKKOS_FUNCTION double dot(const Member& team, const Scalar* a, const Scalar* b) const {
    return sum_of(team,
                  [=](int i) { return static_cast<double>(a[i]) * static_cast<double>(b[i]); });
  }

  /// a += factor b.
  KOKKOS_FUNCTION void add(const Member& team, Scalar* a, double factor, const Scalar* b) const {
    const auto scale = static_cast<Scalar>(factor);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, dimension),
                         [&](int i) { a[i] += scale * b[i]; });
    team.team_barrier();
  }

  KOKKOS_FUNCTION void finish(const Member& team, int p, ConjugateStatus status) const {
    Kokkos::single(Kokkos::PerTeam(team), [&] { result.status(p) = static_cast<int>(status); });
  }

  /// direction = −H gradient, H from the pairs (two-loop recursion), or the scaled gradient.
  KOKKOS_FUNCTION void find_direction(const Member& team, int p) const {
    Scalar* const d = &direction(p, 0);
    const Scalar* const g = &gradient(p, 0);
    const int total = pairs(p), memory = settings.memory;
    const int kept = total < memory ? total : memory;
    double share[most_memory];
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, dimension), [&](int i) { d[i] = -g[i]; });
    team.team_barrier();
    for (int k = total - 1; k >= total - kept; --k) {
      const int at = k % memory;
      const double weight =
          static_cast<double>(inverse_product(p, at)) * dot(team, &step_pairs(p, at, 0), d);
      share[at] = weight;
      add(team, d, -weight, &slope_pairs(p, at, 0));
    }
    double scale = search(p, growth);
    if (kept > 0) {
      const int newest = (total - 1) % memory;
      const Scalar* const change = &slope_pairs(p, newest, 0);
      scale /= static_cast<double>(inverse_product(p, newest)) * dot(team, change, change);
    }
    const auto factor = static_cast<Scalar>(scale);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, dimension), [&](int i) { d[i] *= factor; });
    team.team_barrier();
    for (int k = total - kept; k < total; ++k) {
      const int at = k % memory;
      const double weight = share[at] - static_cast<double>(inverse_product(p, at)) *
                                            dot(team, &slope_pairs(p, at, 0), d);
      add(team, d, weight, &step_pairs(p, at, 0));
    }
    double slope = dot(team, g, d);
    if (!(slope < 0)) {  // pairs that rounding has spoiled
      const double square = dot(team, g, g);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, dimension), [&](int i) { d[i] = -g[i]; });
      team.team_barrier();
      slope = -square;
      Kokkos::single(Kokkos::PerTeam(team), [&] { pairs(p) = 0; });
    }
    Kokkos::single(Kokkos::PerTeam(team), [&] {
      search(p, slope_at_x) = slope;
      search(p, step) = 1;
      search(p, low) = 0;
      search(p, high) = Kokkos::Experimental::infinity<double>::value;
      trials(p) = 0;
    });
  }

  /// x = trial, and what follows from it.
  KOKKOS_FUNCTION void accept(const Member& team, int slot, int p, double value) const {
    Scalar* const now = &x(p, 0);
    Scalar* const g = &gradient(p, 0);
    const Scalar* const next = &trial(slot, 0);
    const Scalar* const next_gradient = &trial_gradient(slot, 0);
    if (!first) {
      const int at = pairs(p) % settings.memory;
      Scalar* const moved = &step_pairs(p, at, 0);
      Scalar* const changed = &slope_pairs(p, at, 0);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, dimension), [&](int i) {
        moved[i] = next[i] - now[i];
        changed[i] = next_gradient[i] - g[i];
      });
      team.team_barrier();
      const double product = dot(team, moved, changed);
      const double squares = dot(team, moved, moved) * dot(team, changed, changed);
      const bool curved = product > 1e-8 * ::sqrt(squares);
      Kokkos::single(Kokkos::PerTeam(team), [&] {
        if (curved) {
          inverse_product(p, at) = static_cast<Scalar>(1 / product);
          ++pairs(p);
        }
        search(p, growth) = curved ? 1 : 4 * search(p, growth);
        ++result.steps(p);
      });
    }
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, dimension), [&](int i) {
      now[i] = next[i];
      g[i] = next_gradient[i];
    });
    team.team_barrier();
    const double norm = ::sqrt(dot(team, g, g));
    const Scalar* const from = &start(p, 0);
    const double distance = ::sqrt(sum_of(team, [=](int i) {
      const double gone = static_cast<double>(now[i]) - static_cast<double>(from[i]);
      return gone * gone;
    }));
    const double length = ::sqrt(dot(team, from, from));
    Kokkos::single(Kokkos::PerTeam(team), [&] {
      search(p, value_at_x) = value;
      result.value(p) = static_cast<Scalar>(value);
      result.residual(p) = static_cast<Scalar>(norm);
    });
    team.team_barrier();
    if (norm <= settings.gradient_tolerance) return finish(team, p, ConjugateStatus::converged);
    if (distance > settings.most_distance * (1 + length))
      return finish(team, p, ConjugateStatus::unbounded);
    if (result.steps(p) >= settings.max_steps) return finish(team, p, ConjugateStatus::step_limit);
    find_direction(team, p);
  }

  KOKKOS_FUNCTION void operator()(const Member& team) const {
    const int slot = team.league_rank(), p = active(slot);
    const Scalar* const point = &trial(slot, 0);
    const Scalar* const target = &y(p, 0);
    Scalar* const g = &trial_gradient(slot, 0);
    const double product = dot(team, point, target);
    const double potential = static_cast<double>(trial_value(slot));
    const double value = potential - product;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, dimension),
                         [&](int i) { g[i] -= target[i]; });
    Kokkos::single(Kokkos::PerTeam(team), [&] { ++result.evaluations(p); });
    team.team_barrier();
    const double square = dot(team, g, g);
    const bool finite = value - value == 0 && square - square == 0;
    if (first) {
      Kokkos::single(Kokkos::PerTeam(team),
                     [&] { result.start_residual(p) = static_cast<Scalar>(::sqrt(square)); });
      if (finite) return accept(team, slot, p, value);
      Kokkos::single(Kokkos::PerTeam(team), [&] {
        result.value(p) = static_cast<Scalar>(value);
        result.residual(p) = static_cast<Scalar>(::sqrt(square));
      });
      return finish(team, p, ConjugateStatus::not_finite);
    }
    const double slope = dot(team, g, &direction(p, 0));
    const double before = search(p, value_at_x), slope_before = search(p, slope_at_x);
    const double length = search(p, step);
    const bool fell = finite && value <= before + settings.decrease * length * slope_before;
    // Where J is flat to its rounding: what a parabola would say of the slopes.
    const double slack = rounding * (::fabs(potential) + ::fabs(product));
    const bool flat = finite && value <= before + slack &&
                      slope <= (2 * settings.decrease - 1) * slope_before &&
                      slope >= settings.curvature * slope_before;
    const bool good = fell || flat;
    const bool short_of_wolfe = settings.line_search == LineSearch::wolfe && good &&
                                slope < settings.curvature * slope_before;
    if (good && !short_of_wolfe) return accept(team, slot, p, value);
    const bool out_of_trials = trials(p) + 1 >= settings.max_trials;
    if (out_of_trials) {
      if (good) return accept(team, slot, p, value);  // it fell, though not to where it is flat
      if (pairs(p) == 0) return finish(team, p, ConjugateStatus::stalled);
      // Perhaps the pairs were no good. All have read their number before it changes.
      team.team_barrier();
      Kokkos::single(Kokkos::PerTeam(team), [&] { pairs(p) = 0; });
      team.team_barrier();
      return find_direction(team, p);
    }
    team.team_barrier();
    Kokkos::single(Kokkos::PerTeam(team), [&] {
      ++trials(p);
      double& lower = search(p, low);
      double& upper = search(p, high);
      if (short_of_wolfe)
        lower = length;
      else
        upper = length;
      double next = 0;
      if (!(upper < Kokkos::Experimental::infinity<double>::value)) {
        next = 2 * length;
      } else if (good || !finite) {
        next = 0.5 * (lower + upper);
      } else {
        // The least of the parabola through J and its slope at x and J here, kept within bounds.
        const double bend = value - before - length * slope_before;
        next = bend > 0 ? -0.5 * slope_before * length * length / bend : 0.5 * length;
        const double width = upper - lower, least = lower + 0.1 * width;
        const double most = lower + 0.5 * width;
        next = next > least ? (next < most ? next : most) : least;
      }
      search(p, step) = next;
    });
  }
};

}  // namespace

template <class ExecutionSpace, class Scalar>
Lbfgs<ExecutionSpace, Scalar>::Lbfgs(const LbfgsSettings& settings, int points, int dimension)
    : settings_(settings), points_(points), dimension_(dimension) {
  using detail::check_setting;
  check_setting(settings.memory >= 1 && settings.memory <= most_memory,
                "memory must be between 1 and 64");
  check_setting(settings.max_trials >= 1, "max_trials must be at least 1");
  check_setting(
      settings.decrease > 0 && settings.decrease < settings.curvature && settings.curvature < 1,
      "0 < decrease < curvature < 1 is needed");
  detail::check_limits(settings, points, dimension);
  const auto count = static_cast<std::size_t>(points), wide = static_cast<std::size_t>(dimension);
  const auto kept = static_cast<std::size_t>(settings.memory);
  const auto matrix = [&](const std::string& label, std::size_t columns) {
    return Matrix<Scalar, ExecutionSpace>(label, count, columns);
  };
  step_pairs_ = decltype(step_pairs_)(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::conjugate::step_pairs"), count,
      kept, wide);
  slope_pairs_ = decltype(slope_pairs_)(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::conjugate::slope_pairs"), count,
      kept, wide);
  inverse_product_ = matrix("otfleet::conjugate::inverse_product", kept);
  start_ = matrix("otfleet::conjugate::start", wide);
  gradient_ = matrix("otfleet::conjugate::gradient", wide);
  direction_ = matrix("otfleet::conjugate::direction", wide);
  trial_ = matrix("otfleet::conjugate::trial", wide);
  trial_gradient_ = matrix("otfleet::conjugate::trial_gradient", wide);
  trial_value_ = Vector<Scalar, ExecutionSpace>("otfleet::conjugate::trial_value", count);
  search_ = Matrix<double, ExecutionSpace>("otfleet::conjugate::search", count, search_numbers);
  pairs_ = Vector<int, ExecutionSpace>("otfleet::conjugate::pairs", count);
  trials_ = Vector<int, ExecutionSpace>("otfleet::conjugate::trials", count);
  active_ = Vector<int, ExecutionSpace>("otfleet::conjugate::active", count);
  next_ = Vector<int, ExecutionSpace>("otfleet::conjugate::next", count);
}

template <class ExecutionSpace, class Scalar>
void Lbfgs<ExecutionSpace, Scalar>::minimize(
    const ExecutionSpace& space, PotentialOracle<ExecutionSpace, Scalar>& oracle,
    const Matrix<const Scalar, ExecutionSpace>& y, const Matrix<Scalar, ExecutionSpace>& x,
    const Conjugates<ExecutionSpace, Scalar>& result,
    const Vector<const int, ExecutionSpace>& steps_behind) {
  detail::check_sizes(points_, dimension_, y, x, result, oracle.dimension());
  int count = static_cast<int>(y.extent(0));
  if (steps_behind.extent(0) != 0 && steps_behind.extent(0) != y.extent(0))
    throw std::invalid_argument("steps_behind must be [" + std::to_string(count) + "]");
  if (count == 0) return;
  detail::begin_all(space, active_, count, result);
  if (steps_behind.extent(0) > 0) Kokkos::deep_copy(space, result.steps, steps_behind);
  Kokkos::deep_copy(space, pairs_, 0);
  const auto rows = std::pair<std::size_t, std::size_t>(0, y.extent(0));
  Kokkos::deep_copy(space, Kokkos::subview(start_, rows, Kokkos::ALL), x);
  Kokkos::deep_copy(space, Kokkos::subview(trial_, rows, Kokkos::ALL), x);
  Kokkos::deep_copy(space, Kokkos::subview(search_, Kokkos::ALL, static_cast<int>(growth)), 1.0);
  for (bool first = true; count > 0; first = false) {
    const auto some = std::pair<std::size_t, std::size_t>(0, static_cast<std::size_t>(count));
    oracle.evaluate(space, Kokkos::subview(trial_, some, Kokkos::ALL),
                    Kokkos::subview(trial_value_, some),
                    Kokkos::subview(trial_gradient_, some, Kokkos::ALL));
    Kokkos::parallel_for("otfleet::conjugate::lbfgs_round",
                         Policy<ExecutionSpace>(space, count, Backend<ExecutionSpace>::team_size),
                         LbfgsRound<ExecutionSpace, Scalar>{
                             settings_,
                             dimension_,
                             16 * static_cast<double>(std::numeric_limits<Scalar>::epsilon()),
                             y,
                             x,
                             result,
                             step_pairs_,
                             slope_pairs_,
                             start_,
                             gradient_,
                             direction_,
                             inverse_product_,
                             trial_,
                             trial_gradient_,
                             trial_value_,
                             search_,
                             pairs_,
                             trials_,
                             active_,
                             first});
    count = detail::keep_active(space, active_, next_, count, result.status);
    const auto active = active_;
    const auto trial = trial_, direction = direction_;
    const auto search = search_;
    Kokkos::parallel_for(
        "otfleet::conjugate::next_trials", Kokkos::RangePolicy<ExecutionSpace>(space, 0, count),
        KOKKOS_LAMBDA(int slot) {
          const int p = active(slot);
          const auto length = static_cast<Scalar>(search(p, step));
          for (std::size_t i = 0; i < trial.extent(1); ++i)
            trial(slot, i) = x(p, i) + length * direction(p, i);
        });
  }
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)    \
  template class Lbfgs<Space, float>; \
  template class Lbfgs<Space, double>;
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
