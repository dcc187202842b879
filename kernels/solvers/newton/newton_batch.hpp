#pragma once
#include "kernels/solvers/newton/newton.hpp"
#include "kernels/solvers/newton/softmin.hpp"

// What Newton's kernel is given, its constants, and the memory of its teams.

namespace otfleet::kernels::newton_detail {

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

/// The problems, what is asked for them, and room to work.
template <class ExecutionSpace>
struct NewtonBatch {
  using Block = Columns<ExecutionSpace>;

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

  /// Of exponentials: a team's threads take blocks at the same time.
  KOKKOS_FUNCTION static long buffers_for(long blocks) {
    return Backend<ExecutionSpace>::team_is_one_thread ? 1 : blocks;
  }
  /// Numbers and indices of one team.
  KOKKOS_FUNCTION static long team_numbers(const Sizes& s) {
    const long blocks = Block::blocks(s.columns), buffers = buffers_for(blocks);
    return 12L * s.stride + 3L * s.rows * s.stride + 3 * blocks * Block::width +
           2 * buffers * s.rows * Block::width + s.table;
  }
  KOKKOS_FUNCTION static long team_indices(const Sizes& s) {
    const long blocks = Block::blocks(s.columns), buffers = buffers_for(blocks);
    return blocks * s.rows + blocks + buffers * s.rows + 2L * s.rows + s.columns;
  }

  KOKKOS_FUNCTION Workspace workspace(int team) const {
    const long blocks = Block::blocks(sizes.columns);
    const long buffers = buffers_for(blocks);
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
};

}  // namespace otfleet::kernels::newton_detail
