#include "kernels/solvers/gromov_wasserstein/gromov_wasserstein.hpp"

#include <algorithm>
#include <stdexcept>

#include "kernels/counter_random.hpp"
#include "kernels/problems/status.hpp"
#include "kernels/rounding.hpp"
#include "kernels/solvers/ask_observer.hpp"
#include "kernels/solvers/gromov_wasserstein/problem_plan.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// Columns of the factors of squared distances between n and m points, where they save work; else
/// 0.
template <class ExecutionSpace>
KOKKOS_FUNCTION int factor_rank(const GromovWassersteinBatch<ExecutionSpace>& problems, int n,
                                int m) {
  const int rank = problems.source.spaces.dimension + 2;
  return problems.source.has_factors && 4 * rank <= n + m ? rank : 0;
}

/// Items of a batch, one after the other in the memory of a team.
template <class ExecutionSpace>
struct Items {
  using Plan = ProblemPlan<ExecutionSpace>;
  using Member = Team<ExecutionSpace>;

  GromovWassersteinBatch<ExecutionSpace> problems;
  GromovWassersteinSettings settings;
  GromovWassersteinState<ExecutionSpace> state;
  Matrix<double, ExecutionSpace> memory;  ///< [teams, numbers]

  KOKKOS_FUNCTION Plan plan_of(const Member& team, int item) const {
    const int k = item / problems.starts;
    const auto &from = problems.source, &to = problems.target;
    const int s = problems.source_index(k), t = problems.target_index(k);
    const long first = from.spaces.offsets(s), second = to.spaces.offsets(t);
    Plan plan;
    plan.n = static_cast<int>(from.spaces.offsets(s + 1) - first);
    plan.m = static_cast<int>(to.spaces.offsets(t + 1) - second);
    plan.source_stride =
        static_cast<int>((from.cost_offsets(s + 1) - from.cost_offsets(s)) / plan.n);
    plan.stride = static_cast<int>((to.cost_offsets(t + 1) - to.cost_offsets(t)) / plan.m);
    plan.packs = plan.stride / Plan::L::pack_width;
    plan.a = &from.spaces.weights(first);
    plan.b = &to.spaces.weights(second);
    plan.d = &from.costs(from.cost_offsets(s));
    plan.e = &to.costs(to.cost_offsets(t));
    plan.d_squares = &from.squares(first);
    plan.e_squares = &to.squares(second);
    plan.x_profiles = &from.profiles(first, 0);
    plan.y_profiles = &to.profiles(second, 0);
    plan.dimension = from.spaces.dimension;
    plan.coordinates = from.spaces.dimension + from.spaces.features;
    plan.x = from.spaces.points.data() + first * plan.coordinates;
    plan.y = to.spaces.points.data() + second * plan.coordinates;
    plan.alpha = settings.alpha;
    // Its potentials are on their way to the epsilon of the settings.
    plan.epsilon = state.begun(item) != 0 ? state.epsilon(item) : settings.epsilon;
    plan.rank = factor_rank(problems, plan.n, plan.m);
    double* const numbers = &state.numbers(state.offsets(item));
    plan.f = numbers;
    plan.g = numbers + plan.n;
    plan.cost = plan.g + plan.stride;
    plan.place(&memory(team.league_rank(), 0));
    plan.load(team);
    return plan;
  }

  /// How far rounding of inner costs can take the sum of squares, whose parts add up to `size`.
  KOKKOS_FUNCTION double cost_rounding(int item, double size) const {
    const int k = item / problems.starts;
    const double off = problems.source.rounding(problems.source_index(k)) +
                       problems.target.rounding(problems.target_index(k));
    return settings.alpha * (8 * off * ::sqrt(size) + 4 * off * off);
  }
  KOKKOS_FUNCTION static double size_of(const Member& team, const Plan& plan) {
    return team_sum(team, plan.n, [&](int i) { return plan.a[i] * plan.d_squares[i]; }) +
           team_sum(team, plan.m, [&](int j) { return plan.b[j] * plan.e_squares[j]; });
  }
};

template <class ExecutionSpace>
struct Solve {
  using Plan = ProblemPlan<ExecutionSpace>;
  using Member = Team<ExecutionSpace>;

  Items<ExecutionSpace> items;
  std::uint64_t seed;
  Vector<const std::int64_t, ExecutionSpace> streams;
  Vector<const int, ExecutionSpace> which, until;

  KOKKOS_FUNCTION void operator()(const Member& team) const {
    const int starts = items.problems.starts, count = static_cast<int>(which.extent(0)) * starts;
    for (int at = team.league_rank(); at < count; at += team.league_size()) {
      const int item = which(at / starts) * starts + at % starts;
      if (items.state.begun(item) != 0 &&
          items.state.status(item) == static_cast<int>(Status::converged))
        continue;
      items.state.status(item) = static_cast<int>(Status::ended);
      if (!has_ended<ExecutionSpace>(items.settings.observer))
        solve(team, item, at / starts, until(at / starts));
      team.team_barrier();
    }
  }

  /// Of the mean linear cost: the epsilon of the plan that an item begins with, and of the first
  /// outer iteration, from which it falls.
  static constexpr double last_share = 1e-3, first_share = 0.05;
  /// Of marginals, in an outer iteration; and of its residual, where that does not fall.
  static constexpr double largest_error = 0.005, least_share = 1e-4;

  /// Sinkhorn's iteration with the linear cost, from an epsilon of `scale` to `last`.
  KOKKOS_FUNCTION void anneal(const Member& team, Plan& plan, double scale, double last, int most,
                              int& inner) const {
    plan.epsilon = scale > last ? scale : last;
    while (true) {
      plan.iterate(team, 0.01, 10 * most, inner);
      plan.absorb(team);
      if (plan.epsilon <= last) return;
      plan.lessen_epsilon(team, last);
    }
  }

  /// The plan, and the epsilon, that an item begins with; of the first start the lower bound, too.
  KOKKOS_FUNCTION void begin(const Member& team, Plan& plan, int item, int most, int& inner) const {
    const auto& state = items.state;
    const double epsilon = items.settings.epsilon;
    const int start = item % items.problems.starts;
    plan.begin_with_profiles(team);
    if (start > 0) add_anchors(team, plan, item, 2, 1);
    const double scale = plan.mean_cost(team), last = last_share * scale;
    anneal(team, plan, scale, last > epsilon ? last : epsilon, most, inner);
    if (start == 0) {
      const double size = items.size_of(team, plan);
      // Edges of bins are rounded, too.
      state.lower(item) = plan.lower_bound(team) - items.cost_rounding(item, size) -
                          4 * plan.alpha * sum_rounding(plan.n + plan.m) * size;
      // Profiles of symmetric spaces leave a plan that is stationary and no minimum. What decides
      // there is about epsilon, and nothing where profiles differ by more.
      if (size > 0) add_anchors(team, plan, item, 1, 0.1 * plan.epsilon / size);
      plan.iterate(team, 0.01, 10 * most, inner);
      plan.absorb(team);
    }
    plan.form_plan(team);
    state.epsilon(item) = plan.epsilon;
    state.begun(item) = 1;
    state.residual(item) = 1;
    state.inner_share(item) = 0.1;
    state.inner_limit(item) = most;
  }

  KOKKOS_FUNCTION void solve(const Member& team, int item, int observed, int last) const {
    const auto& settings = items.settings;
    const auto& state = items.state;
    Plan plan = items.plan_of(team, item);
    const double threshold = settings.threshold, epsilon = settings.epsilon;
    // As many of Sinkhorn's iterations as cost what a new linear cost does, and some.
    const int most_inner = 20 + (plan.rank > 0 ? 2 * plan.rank : (plan.n + plan.m) / 2);
    const int inner_before = state.inner_iterations(item);
    int inner = 0;
    if (state.begun(item) == 0)
      begin(team, plan, item, most_inner, inner);
    else
      plan.form_plan(team);
    double change = state.residual(item), share = state.inner_share(item);
    int most = state.inner_limit(item), t = state.iterations(item);
    Status status = Status::iteration_limit;
    while (t < last) {
      plan.update_cost(team);
      if (t == 0) {
        const double first = first_share * plan.mean_cost(team);
        plan.change_epsilon(team, first > epsilon ? first : epsilon);
      } else if (plan.epsilon > epsilon) {
        plan.lessen_epsilon(team, epsilon);
      }
      // Errors of the plan must not hide what the linear cost changes.
      const double wanted = share * change,
                   tolerance = wanted < largest_error ? wanted : largest_error;
      const double error = plan.iterate(team, tolerance, most, inner);
      most = error > tolerance && most < 64 * most_inner ? 2 * most : most_inner;
      const double before = change;
      change = plan.take_plan(team);
      if (plan.epsilon <= epsilon && change > 0.9 * before && share > least_share) share /= 2;
      plan.absorb(team);
      ++t;
      if (!(change + error >= 0)) {
        status = Status::not_finite;
        break;
      }
      if (plan.epsilon <= epsilon && change <= threshold && error <= threshold) {
        status = Status::converged;
        break;
      }
      if (!may_go_on<ExecutionSpace>(settings.observer, observed, t, change)) {
        status = Status::ended;
        break;
      }
    }
    state.epsilon(item) = plan.epsilon;
    state.residual(item) = change;
    state.inner_share(item) = share;
    state.inner_limit(item) = most;
    state.iterations(item) = t;
    state.inner_iterations(item) = inner_before + inner;
    state.status(item) = static_cast<int>(status);
  }

  /// An index with a probability in proportion to weight(index); the last one for rounding.
  template <class Weight>
  KOKKOS_FUNCTION static int draw(int count, double uniform, const Weight& weight) {
    double sum = 0;
    for (int i = 0; i < count; ++i) sum += weight(i);
    double left = uniform * sum;
    int last = 0;
    for (int i = 0; i < count; ++i) {
      const double one = weight(i);
      if (!(one > 0)) continue;
      last = i;
      left -= one;
      if (left < 0) break;
    }
    return last;
  }

  /// One point of the source or two (`count`), the second one rather far from the first, and as
  /// many of the target that may be theirs; pairs then also pay for their different costs to these,
  /// `weight` times.
  KOKKOS_FUNCTION void add_anchors(const Member& team, const Plan& plan, int item, int count,
                                   double weight) const {
    const CounterRandom random(seed,
                               static_cast<std::uint64_t>(streams(item / items.problems.starts)));
    const auto first = static_cast<std::uint64_t>(item % items.problems.starts) * 4;
    const int n = plan.n, m = plan.m;
    int from[2] = {0, 0}, to[2] = {0, 0};
    for (int anchor = 0; anchor < count; ++anchor) {
      const double* const away = plan.d + static_cast<long>(from[0]) * plan.source_stride;
      from[anchor] = draw(n, random.uniform(first + 2 * anchor), [&](int i) {
        return plan.a[i] * (anchor == 0 ? 1.0 : away[i] * away[i]);
      });
      const auto pays = [&](int j) {
        double sum = plan.profile_cost(from[anchor], j);
        if (anchor > 0) {
          const double difference =
              away[from[1]] - plan.e[static_cast<long>(to[0]) * plan.stride + j];
          sum += difference * difference;
        }
        return sum;
      };
      double mean = 0;
      for (int j = 0; j < m; ++j) mean += plan.b[j] * pays(j);
      const double temperature = 0.1 * mean;
      to[anchor] = draw(m, random.uniform(first + 2 * anchor + 1), [&](int j) {
        return plan.b[j] * (temperature > 0 ? ::exp(-pays(j) / temperature) : 1.0);
      });
    }
    each_row(team, n, [&](int i) {
      double* const row = plan.cost + plan.at(i);
      Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, m), [&](int j) {
        for (int anchor = 0; anchor < count; ++anchor) {
          const double difference =
              plan.d[static_cast<long>(from[anchor]) * plan.source_stride + i] -
              plan.e[static_cast<long>(to[anchor]) * plan.stride + j];
          row[j] += 2 * weight * plan.alpha * difference * difference;
        }
      });
    });
  }
};

template <class ExecutionSpace>
struct Certify {
  using Plan = ProblemPlan<ExecutionSpace>;
  using Member = Team<ExecutionSpace>;

  Items<ExecutionSpace> items;
  GromovWassersteinFigures<ExecutionSpace> figures;
  Vector<double, ExecutionSpace> products;  ///< [teams, the largest n stride]
  int only = -1;                            ///< one item, whose plan is wanted
  Vector<double, ExecutionSpace> wanted;

  KOKKOS_FUNCTION void operator()(const Member& team) const {
    if (only >= 0) return give_plan(team);
    const int count = items.problems.items();
    for (int item = team.league_rank(); item < count; item += team.league_size()) {
      if (items.state.begun(item) == 0) continue;
      certify(team, item);
      team.team_barrier();
    }
  }

  KOKKOS_FUNCTION void give_plan(const Member& team) const {
    const Plan plan = items.plan_of(team, only);
    plan.form_plan(team);
    plan.round_plan(team);
    each_row(team, plan.n, [&](int i) {
      Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, plan.m), [&](int j) {
        wanted(static_cast<long>(i) * plan.m + j) = plan.plan[plan.at(i) + j];
      });
    });
  }

  KOKKOS_FUNCTION void certify(const Member& team, int item) const {
    using L = typename Plan::L;
    const Plan plan = items.plan_of(team, item);
    const double alpha = plan.alpha;
    plan.form_plan(team);
    // Of the plan as it was found: log(P/ab) is what its potentials say.
    const double entropy = row_total(team, plan.n, plan.rows, [&](int i) {
      double sum = 0;
      for (int j = 0; j < plan.m; ++j) {
        const double entry = plan.plan[plan.at(i) + j];
        if (entry > 0)
          sum += entry * ((plan.f[i] + plan.g[j] - plan.cost[plan.at(i) + j]) / plan.epsilon -
                          ::log(plan.a[i]) - ::log(plan.b[j]));
      }
      return sum;
    });
    const double error = plan.round_plan(team);
    double* const distorted = &products(
        team.league_rank() * (products.extent(0) / static_cast<std::size_t>(team.league_size())));
    plan.distort_exactly(team, plan.kernel, distorted);
    const double cross = row_total(team, plan.n, plan.rows, [&](int i) {
      return row_sum<L>(team, plan.packs, [&](int j) {
        return L::load(distorted + plan.at(i) + j) * L::load(plan.plan + plan.at(i) + j);
      });
    });
    const double linear =
        plan.is_fused() ? row_total(team, plan.n, plan.rows,
                                    [&](int i) {
                                      double sum = 0;
                                      for (int j = 0; j < plan.m; ++j)
                                        sum += plan.plan[plan.at(i) + j] * plan.feature_cost(i, j);
                                      return sum;
                                    })
                        : 0.0;
    const double size = items.size_of(team, plan);
    const double distortion = size - 2 * cross;
    const double cost = alpha * (distortion < 0 ? 0.0 : distortion) + (1 - alpha) * linear;
    figures.cost(item) = cost;
    figures.upper(item) = cost +
                          4 * sum_rounding(plan.n + plan.m + plan.coordinates) *
                              (alpha * (size + 2 * cross) + (1 - alpha) * linear) +
                          items.cost_rounding(item, size);
    figures.regularized(item) = cost + items.settings.epsilon * entropy;
    figures.marginal_error(item) = error;
  }

  /// The sum over rows of term(i), which a thread computes with its vector lanes.
  template <class Term>
  KOKKOS_FUNCTION static double row_total(const Member& team, int count, double* memory,
                                          const Term& term) {
    each_row(team, count, [&](int i) {
      const double value = term(i);
      memory[i] = value;
    });
    return team_sum(team, count, [&](int i) { return memory[i]; });
  }
};

template <class ExecutionSpace>
Items<ExecutionSpace> items_of(const ExecutionSpace& space, int count,
                               const GromovWassersteinBatch<ExecutionSpace>& problems,
                               const GromovWassersteinSettings& settings,
                               const GromovWassersteinState<ExecutionSpace>& state) {
  if (!(settings.epsilon > 0)) throw std::invalid_argument("epsilon must be positive");
  if (!(settings.alpha > 0 && settings.alpha <= 1))
    throw std::invalid_argument("alpha must be above 0, and 1 at most");
  if (problems.starts < 1) throw std::invalid_argument("a problem has a start or more");
  if (problems.source.spaces.dimension != problems.target.spaces.dimension ||
      problems.source.spaces.features != problems.target.spaces.features)
    throw std::invalid_argument("points of both sides must have as many coordinates");
  if (static_cast<int>(state.offsets.extent(0)) != problems.items() + 1)
    throw std::invalid_argument("a state is that of the batch's items");
  const int teams = std::max(1, std::min(count, concurrent_teams(space)));
  const auto numbers = ProblemPlan<ExecutionSpace>::numbers(
      problems.largest_source, padded_points<ExecutionSpace>(problems.largest_target),
      factor_rank(problems, problems.largest_source, problems.largest_target));
  return {problems, settings, state,
          Matrix<double, ExecutionSpace>(
              Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::gromov::memory"),
              static_cast<std::size_t>(teams), numbers)};
}

}  // namespace

template <class ExecutionSpace>
void solve_gromov_wasserstein(const ExecutionSpace& space,
                              const GromovWassersteinBatch<ExecutionSpace>& problems,
                              const GromovWassersteinSettings& settings, std::uint64_t seed,
                              const Vector<const std::int64_t, ExecutionSpace>& streams,
                              const Vector<const int, ExecutionSpace>& which,
                              const Vector<const int, ExecutionSpace>& until,
                              const GromovWassersteinState<ExecutionSpace>& state) {
  const int count = static_cast<int>(which.extent(0)) * problems.starts;
  if (count == 0) return;
  const auto items = items_of(space, count, problems, settings, state);
  Kokkos::parallel_for("otfleet::gromov::solve",
                       team_each(space, static_cast<int>(items.memory.extent(0))),
                       Solve<ExecutionSpace>{items, seed, streams, which, until});
  space.fence();
}

template <class ExecutionSpace>
void certify_gromov_wasserstein(const ExecutionSpace& space,
                                const GromovWassersteinBatch<ExecutionSpace>& problems,
                                const GromovWassersteinSettings& settings,
                                const GromovWassersteinState<ExecutionSpace>& state,
                                const GromovWassersteinFigures<ExecutionSpace>& figures) {
  if (problems.items() == 0) return;
  const auto items = items_of(space, problems.items(), problems, settings, state);
  const auto teams = items.memory.extent(0);
  const auto largest =
      static_cast<std::size_t>(problems.largest_source) *
      static_cast<std::size_t>(padded_points<ExecutionSpace>(problems.largest_target));
  const Vector<double, ExecutionSpace> products(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::gromov::products"),
      teams * largest);
  Kokkos::parallel_for("otfleet::gromov::certify", team_each(space, static_cast<int>(teams)),
                       Certify<ExecutionSpace>{items, figures, products, -1, {}});
  space.fence();
}

template <class ExecutionSpace>
void gromov_wasserstein_plan(const ExecutionSpace& space,
                             const GromovWassersteinBatch<ExecutionSpace>& problems,
                             const GromovWassersteinSettings& settings,
                             const GromovWassersteinState<ExecutionSpace>& state, int item,
                             const Vector<double, ExecutionSpace>& plan) {
  const auto items = items_of(space, 1, problems, settings, state);
  Kokkos::parallel_for("otfleet::gromov::plan", team_each(space, 1),
                       Certify<ExecutionSpace>{items, {}, {}, item, plan});
  space.fence();
}

#define OTFLEET_INSTANTIATE(Space)                                                              \
  template void solve_gromov_wasserstein<Space>(                                                \
      const Space&, const GromovWassersteinBatch<Space>&, const GromovWassersteinSettings&,     \
      std::uint64_t, const Vector<const std::int64_t, Space>&, const Vector<const int, Space>&, \
      const Vector<const int, Space>&, const GromovWassersteinState<Space>&);                   \
  template void certify_gromov_wasserstein<Space>(                                              \
      const Space&, const GromovWassersteinBatch<Space>&, const GromovWassersteinSettings&,     \
      const GromovWassersteinState<Space>&, const GromovWassersteinFigures<Space>&);            \
  template void gromov_wasserstein_plan<Space>(                                                 \
      const Space&, const GromovWassersteinBatch<Space>&, const GromovWassersteinSettings&,     \
      const GromovWassersteinState<Space>&, int, const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
