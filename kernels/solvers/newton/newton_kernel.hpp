#pragma once
#include "kernels/solvers/has_ended.hpp"
#include "kernels/solvers/newton/cholesky.hpp"
#include "kernels/solvers/newton/newton.hpp"
#include "kernels/solvers/newton/softmin.hpp"

// A team solves one instance after another: loading and compressing it, testing the start, and the
// stages of Newton's method. newton.cpp has the host's part.

namespace otfleet::kernels {
namespace newton_detail {

// Found by experiment on the spherical and the digit problems; passes are flat around them.
constexpr double ladder_factor = 4;     ///< between two epsilons
constexpr double ladder_top = 1.0 / 8;  ///< of the cost's range: no epsilon is larger
constexpr double stage_error = 0.1;     ///< enough to go on to the next epsilon
/// Where costs are so large beside epsilon, the parts of a plan hardly overlap: what a stage leaves
/// out of place is then far from where it belongs, in units of the next epsilon.
constexpr double deep_ratio = 1e4;
constexpr double deep_stage_error = 1e-6;
constexpr double entry_error = 0.3;  ///< a start that is good at an epsilon
constexpr double stage_truncation = 1e-4;
constexpr double longest_step = 10;  ///< oscillation of a stage's first step / epsilon
constexpr double longest_tangent = 20;
constexpr int most_rejections = 4;      ///< in a row, before a Sinkhorn update
constexpr int patience = 30;            ///< passes in one stage before a start is given up
constexpr double list_margin = 8;       ///< of candidate lists, / epsilon
constexpr double overlap_share = 1e-2;  ///< rows · softmax below which pairs are left out
constexpr int coarse_from = 2;          ///< the first stage that may use the coarse level
constexpr int coarsening = 8;           ///< columns that are one in the first stages
constexpr double infinite = Kokkos::Experimental::finite_max<double>::value;

KOKKOS_INLINE_FUNCTION int coarse_columns(int columns) {
  return (columns + coarsening - 1) / coarsening;
}
KOKKOS_INLINE_FUNCTION bool worth_coarsening(int rows, int columns) {
  return columns >= 1024 && columns >= 16 * rows;
}
/// A dense cost whose columns mostly have weight is read where it is.
KOKKOS_INLINE_FUNCTION bool uses_shared_table(int sources, int targets, int m, int axes) {
  return axes == 1 && sources <= targets && 2 * targets >= m;
}

/// The mean of the costs of columns that are one: of those that are not forbidden.
struct MeanCost {
  double sum = 0;
  int count = 0;

  KOKKOS_FUNCTION void add(double cost) {
    if (!(cost <= infinite)) return;
    sum += cost;
    ++count;
  }
  KOKKOS_FUNCTION double value() const {
    return count > 0 ? sum / count : Kokkos::Experimental::infinity<double>::value;
  }
};

/// The axes of a cost on the device, each with its minimum subtracted.
struct CostAxes {
  const double* values[SeparableCost::max_axes];
  int n[SeparableCost::max_axes], m[SeparableCost::max_axes];
  int axes = 0;

  KOKKOS_FUNCTION double operator()(int i, int j) const {
    double sum = 0;
    for (int d = axes - 1; d >= 0; --d) {
      sum += values[d][static_cast<long>(i % n[d]) * m[d] + j % m[d]];
      i /= n[d];
      j /= m[d];
    }
    return sum;
  }
};

/// What the instances of a batch need at most.
struct Sizes {
  int rows = 1, stride = 1, columns = 1;
  long table = 0;  ///< numbers in a gathered table, both levels
  bool any_shared = false, any_transposed = false;
};

/// A team's memory.
struct Workspace {
  double *a, *x, *trial, *reference, *step, *rhs;
  Derivatives state[2];
  double *matrix, *b, *coarse_b, *y, *table, *exponential, *exponent;
  int *list, *count, *active, *row_point, *row_at, *column_point;
};

template <class ExecutionSpace>
struct NewtonKernel {
  using Block = Columns<ExecutionSpace>;
  using L = Lanes<ExecutionSpace, double>;
  using Pack = typename L::Pack;
  using TeamMember = Team<ExecutionSpace>;

  CostAxes cost;
  ProblemBatch<ExecutionSpace> problems;
  NewtonSettings settings;
  bool from_zeros;
  double range;
  double truncated_threshold;  ///< the threshold less what truncation can hide
  double rounding;             ///< see StopRule
  Matrix<double, ExecutionSpace> f;
  Vector<int, ExecutionSpace> iterations, status;
  Vector<int, ExecutionSpace> source_order, target_order;
  Vector<double, ExecutionSpace> shared_table,
      shared_coarse;  ///< empty where no instance uses them
  Sizes sizes;
  Vector<double, ExecutionSpace> numbers;
  Vector<int, ExecutionSpace> indices;
  Vector<int, ExecutionSpace> next;  ///< [1], the first instance that no team has taken

  /// An instance in work.
  struct Instance {
    int k, rows, columns, passes;
    bool transposed, shared;
    Level fine, coarse;
    Derivatives state[2];
    int current;       ///< the state that belongs to w.x
    int stage;         ///< where it was evaluated, epsilon · 4^stage; −1: nowhere
    double error;      ///< its |P1 − a|_1
    double damping;    ///< lambda / relative error
    double radius;     ///< longest oscillation of a step / epsilon
    bool clipped;      ///< the last step was as long as that
    bool from_start;   ///< it descends from the user's start
    bool stalled;      ///< its error is rounding and no longer falls
    double list_cut;   ///< of the candidate lists; negative: there are none
    bool list_coarse;  ///< the lists belong to the coarse level
  };

  /// Numbers and indices of one team.
  KOKKOS_FUNCTION static long team_numbers(const Sizes& s) {
    const long blocks = Block::blocks(s.columns),
               buffers = runs_on_host<ExecutionSpace> ? 1 : blocks;
    return 12L * s.stride + 3L * s.rows * s.stride + 3 * blocks * Block::width +
           2 * buffers * s.rows * Block::width + s.table;
  }
  KOKKOS_FUNCTION static long team_indices(const Sizes& s) {
    const long blocks = Block::blocks(s.columns),
               buffers = runs_on_host<ExecutionSpace> ? 1 : blocks;
    return blocks * s.rows + blocks + buffers * s.rows + 2L * s.rows + s.columns;
  }

  KOKKOS_FUNCTION Workspace workspace(int team) const {
    const long blocks = Block::blocks(sizes.columns);
    const long buffers = runs_on_host<ExecutionSpace> ? 1 : blocks;
    double* at = numbers.data() + team * team_numbers(sizes);
    int* index = indices.data() + team * team_indices(sizes);
    const auto take = [&](long count) {
      double* const here = at;
      at += count;
      return here;
    };
    const auto take_index = [&](long count) {
      int* const here = index;
      index += count;
      return here;
    };
    Workspace w{};
    w.a = take(sizes.stride);
    w.x = take(sizes.stride);
    w.trial = take(sizes.stride);
    w.reference = take(sizes.stride);
    w.step = take(sizes.stride);
    w.rhs = take(sizes.stride);
    for (Derivatives& state : w.state) {
      state.marginal = take(sizes.stride);
      state.square = take(sizes.stride);
      state.moment = take(sizes.stride);
      state.overlap = take(static_cast<long>(sizes.rows) * sizes.stride);
    }
    w.matrix = take(static_cast<long>(sizes.rows) * sizes.stride);
    w.b = take(blocks * Block::width);
    w.coarse_b = take(blocks * Block::width);
    w.y = take(blocks * Block::width);
    w.exponential = take(buffers * sizes.rows * Block::width);
    w.exponent = take(buffers * sizes.rows * Block::width);
    w.table = take(sizes.table);
    w.list = take_index(blocks * sizes.rows);
    w.count = take_index(blocks);
    w.active = take_index(buffers * sizes.rows);
    w.row_point = take_index(sizes.rows);
    w.row_at = take_index(sizes.rows);
    w.column_point = take_index(sizes.columns);
    return w;
  }

  KOKKOS_FUNCTION void operator()(const TeamMember& team) const {
    const Workspace w = workspace(team.league_rank());
    const auto& counter = next;
    for (;;) {
      int k = 0;
      Kokkos::single(
          Kokkos::PerTeam(team),
          [&](int& mine) { mine = Kokkos::atomic_fetch_add(&counter(0), 1); }, k);
      if (k >= problems.size()) return;
      if (has_ended<ExecutionSpace>(settings.observer))
        end_before_it_began(team, k);
      else
        solve(team, w, k);
      team.team_barrier();
    }
  }

  // --- loading and storing ------------------------------------------------------------------

  /// Indices of the points with weight, in the order `order` (or their own); returns their number.
  template <class Weight>
  KOKKOS_FUNCTION int compress(const TeamMember& team, int points, const int* order,
                               const Weight& weight, int* kept) const {
    int total = 0;
    Kokkos::single(
        Kokkos::PerTeam(team),
        [&](int& count) {
          count = 0;
          for (int at = 0; at < points; ++at) {
            const int point = order == nullptr ? at : order[at];
            if (weight(point) > 0) kept[count++] = point;
          }
        },
        total);
    team.team_barrier();
    return total;
  }

  KOKKOS_FUNCTION Instance load(const TeamMember& team, const Workspace& w, int k) const {
    const int source = problems.source_index(k), target = problems.target_index(k);
    const double* a = &problems.source.weights(source, 0);
    const double* b = &problems.target.weights(target, 0);
    const int n = problems.source.points(), m = problems.target.points();
    const int sources =
        static_cast<int>(sum_of(team, n, [&](int i) { return a[i] > 0 ? 1.0 : 0.0; }));
    const int targets =
        static_cast<int>(sum_of(team, m, [&](int j) { return b[j] > 0 ? 1.0 : 0.0; }));
    Instance p{};
    p.k = k;
    p.transposed = sources > targets;
    p.shared = uses_shared_table(sources, targets, m, cost.axes);
    p.list_cut = -1;
    p.stage = -1;
    p.from_start = !from_zeros;
    p.state[0] = w.state[0];
    p.state[1] = w.state[1];

    const double* row_weight = p.transposed ? b : a;
    const double* column_weight = p.transposed ? a : b;
    const int* order = p.transposed ? source_order.data() : target_order.data();
    p.rows = compress(
        team, p.transposed ? m : n, nullptr, [&](int i) { return row_weight[i]; }, w.row_point);
    p.columns = p.shared ? m
                         : compress(
                               team, p.transposed ? n : m, order,
                               [&](int j) { return column_weight[j]; }, w.column_point);
    if (p.shared) for_each(team, m, [&](int j) { w.column_point[j] = order[j]; });

    const int rows = p.rows, columns = p.columns, blocks = Block::blocks(columns);
    const bool shared = p.shared, transposed = p.transposed;
    for_each(team, rows, [&](int i) {
      w.a[i] = row_weight[w.row_point[i]];
      w.row_at[i] = shared ? w.row_point[i] : i;
    });
    for_each(team, blocks * Block::width,
             [&](int j) { w.b[j] = j < columns ? column_weight[w.column_point[j]] : 0.0; });
    if (shared) {
      p.fine = {shared_table.data(), n, w.row_at, w.b, blocks};
    } else {
      const CostAxes entry = cost;
      for_each(team, blocks * Block::width, [&](int j) {
        // A column that fills a block repeats the last one, so that it needs no other rows.
        const int column = w.column_point[j < columns ? j : columns - 1];
        double* at =
            w.table + static_cast<long>(j / Block::width) * rows * Block::width + j % Block::width;
        for (int i = 0; i < rows; ++i)
          at[static_cast<long>(i) * Block::width] =
              transposed ? entry(column, w.row_point[i]) : entry(w.row_point[i], column);
      });
      p.fine = {w.table, rows, w.row_at, w.b, blocks};
    }
    p.coarse = p.fine;
    if (worth_coarsening(rows, columns)) load_coarse(team, w, p);
    return p;
  }

  /// Groups of neighboring columns as one column with the mean cost.
  KOKKOS_FUNCTION void load_coarse(const TeamMember& team, const Workspace& w, Instance& p) const {
    const int columns = p.columns, rows = p.rows, groups = coarse_columns(columns);
    p.coarse.blocks = Block::blocks(groups);
    p.coarse.weights = w.coarse_b;
    for_each(team, p.coarse.blocks * Block::width, [&](int c) {
      double sum = 0;
      for (int j = c * coarsening; j < (c + 1) * coarsening && j < columns; ++j) sum += w.b[j];
      w.coarse_b[c] = sum;
    });
    if (p.shared) {
      p.coarse.table = shared_coarse.data();
      return;
    }
    const double* fine = p.fine.table;
    double* table = w.table + static_cast<long>(p.fine.blocks) * rows * Block::width;
    p.coarse.table = table;
    for_each(team, p.coarse.blocks * Block::width, [&](int c) {
      const int group = c < groups ? c : groups - 1;
      for (int i = 0; i < rows; ++i) {
        MeanCost mean;
        for (int j = group * coarsening; j < (group + 1) * coarsening && j < columns; ++j)
          mean.add(fine[(static_cast<long>(j / Block::width) * rows + i) * Block::width +
                        j % Block::width]);
        table[(static_cast<long>(c / Block::width) * rows + i) * Block::width + c % Block::width] =
            mean.value();
      }
    });
  }

  /// The start on its own side, in `to` [points of w.*_point]; false where it is not finite.
  KOKKOS_FUNCTION bool load_start(const TeamMember& team, const Instance& p, const int* point,
                                  int count, const double* weights, double* to) const {
    if (from_zeros) {
      for_each(team, count, [&](int i) { to[i] = 0; });
      return true;
    }
    const auto& start = f;
    const int k = p.k;
    const auto matters = [&](int i) { return weights[i] > 0; };
    const double wrong = sum_of(team, count, [&](int i) {
      const double value = start(k, point[i]);
      return matters(i) && !(value <= infinite) ? 1.0 : 0.0;
    });
    if (wrong > 0) return false;
    const double low = -largest_of(team, count, [&](int i) {
      const double value = start(k, point[i]);
      return matters(i) && value >= -infinite ? -value : -infinite;
    });
    const double high = largest_of(team, count, [&](int i) {
      const double value = start(k, point[i]);
      return matters(i) && value >= -infinite ? value : -infinite;
    });
    // The constant is free, and small numbers have more digits. Potentials that differ by more
    // than `far` say nothing: they are worse than zeros at every epsilon.
    const double far = 1e6 * (range + settings.epsilon);
    const bool useless = !(high - low < far) || high < low;
    for_each(team, count, [&](int i) {
      const double value = start(k, point[i]);
      to[i] = useless || !matters(i) ? 0.0 : (value >= low ? value - high : low - high);
    });
    return true;
  }

  KOKKOS_FUNCTION void store(const TeamMember& team, const Instance& p, const int* point, int count,
                             const double* weights, const double* from) const {
    const auto& result = f;
    const int k = p.k;
    for_each(team, static_cast<int>(f.extent(1)),
             [&](int i) { result(k, i) = -Kokkos::Experimental::infinity<double>::value; });
    for_each(team, count, [&](int i) {
      if (weights[i] > 0) result(k, point[i]) = from[i];
    });
  }

  /// −inf where the weight is zero, whatever else f holds.
  KOKKOS_FUNCTION void mask(const TeamMember& team, const Instance& p) const {
    const auto& result = f;
    const double* weights = &problems.source.weights(problems.source_index(p.k), 0);
    const int k = p.k;
    for_each(team, static_cast<int>(f.extent(1)), [&](int i) {
      if (!(weights[i] > 0)) result(k, i) = -Kokkos::Experimental::infinity<double>::value;
    });
  }

  KOKKOS_FUNCTION void finish(const TeamMember& team, const Instance& p, Status verdict) const {
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      iterations(p.k) = p.passes;
      status(p.k) = static_cast<int>(verdict);
    });
  }

  KOKKOS_FUNCTION void end_before_it_began(const TeamMember& team, int k) const {
    Kokkos::single(Kokkos::PerTeam(team), [&]() {
      iterations(k) = 0;
      status(k) = static_cast<int>(Status::ended);
    });
  }

  // --- one pass -----------------------------------------------------------------------------

  /// Fills `out` at x and the stage's epsilon; returns |P1 − a|_1.
  KOKKOS_FUNCTION double evaluate(const TeamMember& team, const Workspace& w, Instance& p,
                                  const double* x, int stage, Derivatives& out) const {
    const int rows = p.rows;
    const double epsilon = epsilon_at(stage);
    const bool last_stage = stage == 0;
    const bool coarse = stage >= coarse_from && p.coarse.blocks < p.fine.blocks;
    const double truncation = last_stage || is_deep(epsilon)
                                  ? settings.truncation
                                  : max(settings.truncation, stage_truncation);
    const double cut = epsilon * log(rows / truncation);
    const double* reference = w.reference;
    bool refill = p.list_cut < 0 || p.list_coarse != coarse;
    if (!refill) {
      const double high = largest_of(team, rows, [&](int i) { return x[i] - reference[i]; });
      const double low = -largest_of(team, rows, [&](int i) { return reference[i] - x[i]; });
      refill = !(cut + (high - low) <= p.list_cut);
    }
    if (refill) {
      p.list_cut = cut + list_margin * epsilon;
      p.list_coarse = coarse;
      double* const keep = w.reference;
      for_each(team, rows, [&](int i) { keep[i] = x[i]; });
    }
    const int stride = sizes.stride;
    const Derivatives d = out;
    for_each(team, rows, [&](int i) {
      d.marginal[i] = d.square[i] = d.moment[i] = 0;
      for (int l = 0; l < i; ++l) d.overlap[static_cast<long>(i) * stride + l] = 0;
    });
    const Level& level = coarse ? p.coarse : p.fine;
    const SoftminPass<ExecutionSpace> pass{
        level,       rows,    stride,     x,       epsilon, cut,  overlap_share / rows,
        !last_stage, refill,  p.list_cut, w.count, w.list,  rows, w.exponential,
        w.exponent,  w.active};
    out.smooth = -sum_of(team, level.blocks, [&](int c) { return pass.block(c, d); });
    const double* a = w.a;
    return sum_of(team, rows, [&](int i) { return abs(d.marginal[i] - a[i]); });
  }

  // --- linear algebra -----------------------------------------------------------------------

  /// Factors  epsilon · (−Hessian) + lambda diag(max(P1, a)) + a a^T: the last term takes the
  /// constant direction away. Weights that are nothing beside the mass get a floor instead.
  KOKKOS_FUNCTION void factor(const TeamMember& team, const Workspace& w, const Instance& p,
                              const Derivatives& d, double lambda) const {
    const int rows = p.rows, stride = sizes.stride;
    const double floor = 1e-13 / rows;
    const double* a = w.a;
    double* matrix = w.matrix;
    for_each(team, rows, [&](int i) {
      double* row = matrix + static_cast<long>(i) * stride;
      const double* overlap = d.overlap + static_cast<long>(i) * stride;
      for (int l = 0; l < i; ++l) row[l] = a[i] * a[l] - overlap[l];
      const double own = d.marginal[i] - d.square[i];
      row[i] = a[i] * a[i] + max(own, 0.0) + lambda * max(d.marginal[i], a[i]) + floor;
    });
    Cholesky<ExecutionSpace>::factor(team, matrix, rows, stride);
  }

  /// w.step = the damped Newton step, no longer than the radius; returns the gain of the
  /// quadratic model.
  KOKKOS_FUNCTION double newton_step(const TeamMember& team, const Workspace& w, Instance& p,
                                     const Derivatives& d, double epsilon, double lambda) const {
    const int rows = p.rows;
    const double* a = w.a;
    double *rhs = w.rhs, *step = w.step;
    factor(team, w, p, d, lambda);
    for_each(team, rows, [&](int i) {
      rhs[i] = a[i] - d.marginal[i];
      step[i] = rhs[i];
    });
    Cholesky<ExecutionSpace>::solve(team, w.matrix, rows, sizes.stride, step);
    const double oscillation = largest_of(team, rows, [&](int i) { return step[i]; }) +
                               largest_of(team, rows, [&](int i) { return -step[i]; });
    p.clipped = oscillation > p.radius;
    const double shrink = p.clipped ? p.radius / oscillation : 1.0;
    const double slope = sum_of(team, rows, [&](int i) { return rhs[i] * step[i]; });
    const double damping = sum_of(
        team, rows, [&](int i) { return lambda * max(d.marginal[i], a[i]) * step[i] * step[i]; });
    const double constant = sum_of(team, rows, [&](int i) { return a[i] * step[i]; });
    const double curvature = slope - damping - constant * constant;
    for_each(team, rows, [&](int i) { step[i] *= shrink * epsilon; });
    return epsilon * shrink * (slope - 0.5 * shrink * curvature);
  }

  /// Moves x along df/depsilon from `epsilon` to `to`. Source: ours, implicit differentiation of
  /// P1 = a; the derivative of P1 is −moment/epsilon.
  KOKKOS_FUNCTION void follow_tangent(const TeamMember& team, const Workspace& w, const Instance& p,
                                      const Derivatives& d, double epsilon, double to) const {
    const int rows = p.rows;
    double *step = w.step, *x = w.x;
    factor(team, w, p, d, 1e-9);
    for_each(team, rows, [&](int i) { step[i] = d.moment[i]; });
    Cholesky<ExecutionSpace>::solve(team, w.matrix, rows, sizes.stride, step);
    const double oscillation = largest_of(team, rows, [&](int i) { return step[i]; }) +
                               largest_of(team, rows, [&](int i) { return -step[i]; });
    const double shrink = oscillation > longest_tangent ? longest_tangent / oscillation : 1.0;
    for_each(team, rows, [&](int i) { x[i] += shrink * (to - epsilon) * step[i]; });
  }

  // --- the targets' side --------------------------------------------------------------------

  /// x_i = epsilon log a_i − epsilon log sum_j exp((y_j − C_ij)/epsilon) from potentials y of the
  /// columns, then y's own marginal error: |sum_i exp((x_i + y_j − C_ij)/epsilon) − b|_1.
  KOKKOS_FUNCTION double column_error(const TeamMember& team, const Workspace& w, const Instance& p,
                                      const double* y, double* x) const {
    const Level level = p.fine;
    const int rows = p.rows;
    const double epsilon = settings.epsilon;
    const double *a = w.a, *b = w.b;
    const auto cost_at = [&](int c, int i, int g) {
      return L::load(level.table +
                     (static_cast<long>(c) * level.tile_rows + level.row_at[i]) * Block::width +
                     g * L::pack_width);
    };
    for_each(team, rows, [&](int i) {
      Pack most(-infinite);
      for (int c = 0; c < level.blocks; ++c)
        for (int g = 0; g < Block::packs; ++g)
          most = max(most, L::load(y + c * Block::width + g * L::pack_width) - cost_at(c, i, g));
      const double top = largest_lane(most);
      Pack sum(0.0);
      for (int c = 0; c < level.blocks; ++c)
        for (int g = 0; g < Block::packs; ++g)
          sum = sum + exp((L::load(y + c * Block::width + g * L::pack_width) - cost_at(c, i, g) -
                           Pack(top)) *
                          Pack(1 / epsilon));
      x[i] = epsilon * (log(a[i]) - log(sum_lanes(sum))) - top;
    });
    return sum_of(team, level.blocks, [&](int c) {
      Pack error(0.0);
      for (int g = 0; g < Block::packs; ++g) {
        const int at = c * Block::width + g * L::pack_width;
        Pack sum(0.0);
        for (int i = 0; i < rows; ++i)
          sum = sum + exp((L::load(y + at) + Pack(x[i]) - cost_at(c, i, g)) * Pack(1 / epsilon));
        error = error + abs(sum - L::load(b + at));
      }
      return sum_lanes(error);
    });
  }

  /// y_j = epsilon log b_j − epsilon log sum_i exp((x_i − C_ij)/epsilon); far below where b_j = 0.
  KOKKOS_FUNCTION void column_potentials(const TeamMember& team, const Workspace& w,
                                         const Instance& p) const {
    const Level level = p.fine;
    const int rows = p.rows;
    const double epsilon = settings.epsilon;
    const double *b = w.b, *x = w.x;
    double* y = w.y;
    for_each(team, level.blocks * Block::width, [&](int j) {
      if (!(b[j] > 0)) return;
      const double* column = level.table +
                             static_cast<long>(j / Block::width) * level.tile_rows * Block::width +
                             j % Block::width;
      double most = -infinite, sum = 0;
      for (int i = 0; i < rows; ++i)
        most = max(most, x[i] - column[static_cast<long>(level.row_at[i]) * Block::width]);
      for (int i = 0; i < rows; ++i)
        sum += exp((x[i] - column[static_cast<long>(level.row_at[i]) * Block::width] - most) /
                   epsilon);
      y[j] = epsilon * (log(b[j]) - log(sum)) - most;
    });
  }

  // --- the method ---------------------------------------------------------------------------

  KOKKOS_FUNCTION double epsilon_at(int stage) const {
    double epsilon = settings.epsilon;
    for (int s = 0; s < stage; ++s) epsilon *= ladder_factor;
    return epsilon;
  }
  KOKKOS_FUNCTION bool is_deep(double epsilon) const { return range > deep_ratio * epsilon; }
  /// The error that ends a stage.
  KOKKOS_FUNCTION double enough_for(int stage) const {
    return is_deep(epsilon_at(stage)) ? max(deep_stage_error, truncated_threshold) : stage_error;
  }
  KOKKOS_FUNCTION int top_stage() const {
    int stage = 0;
    while (epsilon_at(stage + 1) <= ladder_top * range && stage < 200) ++stage;
    return stage;
  }

  /// A pass at w.x in a stage, counted.
  KOKKOS_FUNCTION void evaluate_at(const TeamMember& team, const Workspace& w, Instance& p,
                                   int stage) const {
    p.error = evaluate(team, w, p, w.x, stage, p.state[p.current]);
    p.stage = stage;
    ++p.passes;
  }

  /// Tests the start. Returns true where that ends the instance.
  KOKKOS_FUNCTION bool test_start(const TeamMember& team, const Workspace& w, Instance& p) const {
    if (!p.transposed) {
      if (!load_start(team, p, w.row_point, p.rows, w.a, w.x)) {
        mask(team, p);
        finish(team, p, Status::not_finite);
        return true;
      }
      p.error = evaluate(team, w, p, w.x, 0, p.state[p.current]);
      p.stage = 0;
      if (p.error < truncated_threshold) {
        store(team, p, w.row_point, p.rows, w.a, w.x);
        finish(team, p, Status::converged);
        return true;
      }
      return false;
    }
    double* y = w.y;
    const int columns = p.columns;
    if (!load_start(team, p, w.column_point, columns, w.b, y)) {
      mask(team, p);
      finish(team, p, Status::not_finite);
      return true;
    }
    // Columns that fill a block have no potential; this is as good and finite.
    for_each(team, p.fine.blocks * Block::width - columns, [&](int j) { y[columns + j] = -1e200; });
    if (column_error(team, w, p, y, w.x) < settings.threshold) {
      store(team, p, w.column_point, columns, w.b, y);
      finish(team, p, Status::converged);
      return true;
    }
    if (from_zeros) {
      double* x = w.x;
      for_each(team, p.rows, [&](int i) { x[i] = 0; });
    }
    return false;
  }

  /// Finds the stage to begin with and evaluates there.
  KOKKOS_FUNCTION void enter(const TeamMember& team, const Workspace& w, Instance& p) const {
    const int top = top_stage();
    if (from_zeros) {
      if (p.stage != top) evaluate_at(team, w, p, top);
      return;
    }
    if (p.stage < 0) evaluate_at(team, w, p, 0);
    if (p.error <= entry_error || p.passes >= settings.max_iterations) return;
    // Annealing from zeros takes hardly more passes than are needed to mend such a start, whatever
    // epsilon it is taken up at.
    double* x = w.x;
    for_each(team, p.rows, [&](int i) { x[i] = 0; });
    p.from_start = false;
    evaluate_at(team, w, p, top);
  }

  KOKKOS_FUNCTION bool has_passes_left(const Instance& p) const {
    if (p.passes >= settings.max_iterations) return false;
    if constexpr (runs_on_host<ExecutionSpace>)
      return settings.observer == nullptr || settings.observer->goes_on(p.k, p.passes, p.error);
    return true;
  }

  /// Newton steps at one epsilon until its error is below `enough` or no pass is left.
  KOKKOS_FUNCTION void iterate(const TeamMember& team, const Workspace& w, Instance& p,
                               double enough) const {
    const double epsilon = epsilon_at(p.stage);
    const int rows = p.rows;
    double *x = w.x, *trial = w.trial;
    const double *a = w.a, *step = w.step;
    int rejected = 0;
    p.radius = longest_step;
    const int begin = p.passes;
    const StopRule rule{enough, 1, settings.max_iterations, rounding};
    InstanceControl control;
    while (!(p.error < enough) && has_passes_left(p)) {
      control.iteration = p.passes - begin;
      const auto decision = control.test(rule, p.error);
      p.stalled = p.stage == 0 && decision.stops && decision.why == Status::precision_limit;
      if (p.stalled || (p.from_start && p.passes - begin > patience)) return;
      const Derivatives& here = p.state[p.current];
      Derivatives& there = p.state[1 - p.current];
      const bool fall_back = rejected == most_rejections;
      double predicted = 0;
      if (fall_back) {
        const double tiny = 1e-300;
        for_each(team, rows, [&](int i) {
          const double ratio = a[i] > 1e-13 / rows ? a[i] / max(here.marginal[i], tiny) : 1.0;
          trial[i] = x[i] + epsilon * min(max(log(ratio), -longest_tangent), longest_tangent);
        });
        team.team_barrier();
      } else {
        predicted = newton_step(team, w, p, here, epsilon, p.damping * p.error);
        for_each(team, rows, [&](int i) { trial[i] = x[i] + step[i]; });
      }
      const double error = evaluate(team, w, p, trial, p.stage, there);
      ++p.passes;
      const double linear = sum_of(team, rows, [&](int i) { return a[i] * (trial[i] - x[i]); });
      const double gain = linear + there.smooth - here.smooth;
      const bool finite = error <= infinite;
      if (finite && (fall_back || gain > 1e-4 * predicted || error < p.error)) {
        for_each(team, rows, [&](int i) { x[i] = trial[i]; });
        p.current = 1 - p.current;
        const bool stays = error > 0.9 * p.error;
        p.error = error;
        if (fall_back) {
          p.damping = 1;
        } else if (gain > 0.8 * predicted) {
          // Parts of the plan that hardly overlap must travel until they meet: the error stays,
          // the model is right, and nothing but damping and radius holds them back.
          p.damping = stays ? max(p.damping * 0.1, 1e-9) : max(p.damping * 0.3, 0.01);
          if (p.clipped) p.radius *= 4;
        } else if (stays || gain < 0.3 * predicted) {
          p.damping = max(p.damping, 1e-3) * 5;
        }
        rejected = 0;
      } else {
        if (p.radius > longest_step)
          p.radius = max(longest_step, p.radius / 8);
        else
          p.damping *= 5;
        ++rejected;
        if (fall_back) return;  // not finite: the caller sees the error of the last good state
      }
    }
  }

  KOKKOS_FUNCTION void solve(const TeamMember& team, const Workspace& w, int k) const {
    Instance p = load(team, w, k);
    if (test_start(team, w, p)) return;
    if (settings.max_iterations > 0) enter(team, w, p);
    double enough = truncated_threshold;
    const StopRule column_rule{settings.threshold, 1, settings.max_iterations, rounding};
    InstanceControl columns;  // for the looks at the error on the targets' side
    bool converged = false;
    p.damping = p.stage == 0 && !from_zeros ? 0.1 : 0.3;
    while (has_passes_left(p)) {
      iterate(team, w, p, p.stage == 0 ? enough : enough_for(p.stage));
      if (p.stalled || (!has_passes_left(p) && p.stage > 0)) break;
      if (p.from_start && !(p.error < (p.stage == 0 ? enough : enough_for(p.stage)))) {
        // The start leads nowhere.
        if (p.passes >= settings.max_iterations) break;
        p.from_start = false;
        double* x = w.x;
        for_each(team, p.rows, [&](int i) { x[i] = 0; });
        evaluate_at(team, w, p, top_stage());
        continue;
      }
      if (p.stage > 0) {
        follow_tangent(team, w, p, p.state[p.current], epsilon_at(p.stage),
                       epsilon_at(p.stage - 1));
        p.damping = max(p.damping, 0.1);
        evaluate_at(team, w, p, p.stage - 1);
        continue;
      }
      if (!(p.error < enough)) break;
      if (!p.transposed) {
        converged = true;
        break;
      }
      if (p.passes >= settings.max_iterations) break;
      // Exact on the source side, then tested there; rounding may ask for a little more.
      column_potentials(team, w, p);
      ++p.passes;
      const auto decision = columns.test(column_rule, column_error(team, w, p, w.y, w.rhs));
      converged = decision.stops && decision.why == Status::converged;
      p.stalled = decision.stops && decision.why == Status::precision_limit;
      if (decision.stops) break;
      ++columns.iteration;
      enough *= 0.5;
    }
    if (p.transposed && !converged) column_potentials(team, w, p);
    // The last pass may have been the one that got there.
    converged = converged || (!p.transposed && p.stage == 0 && p.error < truncated_threshold);
    if (p.transposed)
      store(team, p, w.column_point, p.columns, w.b, w.y);
    else
      store(team, p, w.row_point, p.rows, w.a, w.x);
    finish(team, p,
           !(p.error <= infinite) ? Status::not_finite
           : converged            ? Status::converged
           : p.stalled            ? Status::precision_limit
           : p.passes < settings.max_iterations && has_ended<ExecutionSpace>(settings.observer)
               ? Status::ended
               : Status::iteration_limit);
  }
};

}  // namespace newton_detail
}  // namespace otfleet::kernels
