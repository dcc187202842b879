#pragma once
#include "kernels/solvers/newton/pack_sums.hpp"

namespace otfleet::kernels::newton_detail {

/// Rows are the side that Newton solves for, columns the other one. Columns come in blocks: a few
/// packs on a CPU, one column on a device.
template <class ExecutionSpace>
struct Columns {
  using L = Lanes<ExecutionSpace, double>;
  static constexpr int packs = Backend<ExecutionSpace>::newton_packs;
  static constexpr int width = packs * L::pack_width;

  KOKKOS_FUNCTION static int blocks(int columns) { return (columns + width - 1) / width; }
};

/// Costs and column weights of an instance, or of a coarser one with averaged columns. The cost of
/// row i and column j of block c is table[(c tile_rows + row_at[i]) width + j]; columns that only
/// fill a block have cost 0 and weight 0.
struct Level {
  const double* table = nullptr;
  int tile_rows = 0;
  const int* row_at = nullptr;
  const double* weights = nullptr;  ///< [blocks · width]
  int blocks = 0;
};

/// What a pass finds out at potentials x. With w_ij the softmax over rows of (x_i − C_ij)/epsilon
/// and P_ij = b_j w_ij:
struct Derivatives {
  double* marginal = nullptr;  ///< [rows] P1
  double* square = nullptr;    ///< [rows] sum_j b_j w_ij²
  double* moment = nullptr;   ///< [rows] sum_j b_j w_ij (z_ij − sum_k w_kj z_kj), z the exponents
  double* overlap = nullptr;  ///< [rows, stride], below the diagonal: sum_j b_j w_ij w_kj
  double smooth = 0;          ///< −epsilon sum_j b_j log sum_i exp((x_i − C_ij)/epsilon)
};

/// One pass over the cost: for every block, the rows that matter, their exponentials, and from
/// these few everything in Derivatives.
///
/// A row is left out of a column when (x_i − C_ij) is below the column's maximum by more than
/// cut = epsilon log(rows/truncation). What is left out of a sum of `rows` terms, the largest of
/// them 1, is then at most rows · exp(−cut/epsilon) = truncation, while the sum is at least 1: the
/// relative change is at most `truncation`, and |P1 − P1 truncated|_1 <= 2 truncation · mass.
///
/// Candidate lists are kept between passes. With u = x − x_ref since a list was made for the cut
/// c_ref, x_i − C_ij >= max − cut at x implies the same with cut + osc(u) at x_ref, because the
/// maximum moves by at least min u and row i by at most max u. A list therefore stays complete
/// while cut + osc(u) <= c_ref.
///
/// The overlaps leave out pairs with a row below `overlap_cut` in the whole block; the diagonal of
/// the Hessian (marginal − square) does not, so that it stays diagonally dominant. This changes a
/// Newton step, never the gradient.
template <class ExecutionSpace>
struct SoftminPass {
  using L = Lanes<ExecutionSpace, double>;
  using Pack = typename L::Pack;
  using Block = Columns<ExecutionSpace>;
  static constexpr int packs = Block::packs;

  Level level;
  int rows, stride;     ///< rows of the instance, of `overlap`
  const double* x;      ///< [rows]
  double epsilon, cut;  ///< see above
  double overlap_cut;
  bool with_moment;
  bool refill;  ///< make the lists anew, for fill_cut
  double fill_cut;
  int* count;  ///< [blocks] length of each list
  int* list;   ///< [blocks, capacity]
  int capacity;
  double* exponential;  ///< buffer [blocks or one, capacity, width]
  double* exponent;     ///< the same
  int* active;          ///< the same without `width`

  /// Adds up what block c contributes; returns its part of sum_j b_j log sum_i exp(…)
  /// times epsilon.
  KOKKOS_FUNCTION double block(int c, const Derivatives& out) const {
    const double* tile = level.table + static_cast<long>(c) * level.tile_rows * Block::width;
    const double* weight = level.weights + static_cast<long>(c) * Block::width;
    int* rows_of_block = list + static_cast<long>(c) * capacity;
    const long buffer =
        Backend<ExecutionSpace>::team_is_one_thread ? 0 : static_cast<long>(c) * capacity;
    double* const e_buffer = exponential + buffer * Block::width;
    double* const z_buffer = exponent + buffer * Block::width;
    int* const used = active + buffer;

    Pack most[packs];
    if (refill) {
      largest(
          tile, rows, [&](int t) { return t; }, most);
      int filled = 0;
      for (int i = 0; i < rows; ++i)
        if (reaches(tile, i, most, fill_cut)) rows_of_block[filled++] = i;
      count[c] = filled;
    } else {
      largest(
          tile, count[c], [&](int t) { return rows_of_block[t]; }, most);
    }

    Pack sum[packs];
    for (int g = 0; g < packs; ++g) sum[g] = Pack(0.0);
    const Pack inverse_epsilon(1 / epsilon), relative_cut(cut / epsilon);
    int filled = 0;
    for (int t = 0; t < count[c]; ++t) {
      const int i = rows_of_block[t];
      if (!reaches(tile, i, most, cut)) continue;
      const double* cost = tile + static_cast<long>(level.row_at[i]) * Block::width;
      double* e = e_buffer + static_cast<long>(filled) * Block::width;
      double* z = z_buffer + static_cast<long>(filled) * Block::width;
      const Pack potential(x[i]);
      for (int g = 0; g < packs; ++g) {
        const int at = g * L::pack_width;
        const Pack power = (potential - L::load(cost + at) - most[g]) * inverse_epsilon;
        Pack value(0.0);
        if (some_lane_positive(power + relative_cut)) value = exp(power);
        L::store(z + at, power);
        L::store(e + at, value);
        sum[g] = sum[g] + value;
      }
      used[filled++] = i;
    }

    Pack b[packs], inverse[packs];
    Pack part(0.0);
    const Pack eps(epsilon), tiny(Kokkos::Experimental::norm_min<double>::value);
    for (int g = 0; g < packs; ++g) {
      b[g] = L::load(weight + g * L::pack_width);
      // A column without weight may have no entry that is allowed.
      sum[g] = if_greater(tiny, sum[g], tiny, sum[g]);
      inverse[g] = Pack(1.0) / sum[g];
      part = part + b[g] * (most[g] + eps * log(sum[g]));
    }
    add_marginals(e_buffer, z_buffer, used, filled, b, inverse, out);
    add_overlaps(e_buffer, used, filled, b, out);
    return sum_lanes(part);
  }

 private:
  template <class RowAt>
  KOKKOS_FUNCTION void largest(const double* tile, int terms, const RowAt& row, Pack* most) const {
    for (int g = 0; g < packs; ++g) most[g] = Pack(-1e300);
    for (int t = 0; t < terms; ++t) {
      const int i = row(t);
      const double* cost = tile + static_cast<long>(level.row_at[i]) * Block::width;
      const Pack potential(x[i]);
      for (int g = 0; g < packs; ++g)
        most[g] = max(most[g], potential - L::load(cost + g * L::pack_width));
    }
  }

  /// Is row i within `distance` of the maximum in any column of the block?
  KOKKOS_FUNCTION bool reaches(const double* tile, int i, const Pack* most, double distance) const {
    const double* cost = tile + static_cast<long>(level.row_at[i]) * Block::width;
    const Pack potential(x[i] + distance);
    Pack above = potential - L::load(cost) - most[0];
    for (int g = 1; g < packs; ++g)
      above = max(above, potential - L::load(cost + g * L::pack_width) - most[g]);
    return some_lane_positive(above);
  }

  /// Turns exponentials into w, drops rows without overlap from `used`, compacting the buffer.
  KOKKOS_FUNCTION void add_marginals(double* e_buffer, double* z_buffer, int* used, int& filled,
                                     const Pack* b, const Pack* inverse,
                                     const Derivatives& out) const {
    const Pack least(-1e300);  // what an exponent is taken for where an entry is forbidden
    Pack mean[packs];
    if (with_moment) {
      for (int g = 0; g < packs; ++g) mean[g] = Pack(0.0);
      for (int t = 0; t < filled; ++t)
        for (int g = 0; g < packs; ++g) {
          const long at = static_cast<long>(t) * Block::width + g * L::pack_width;
          mean[g] =
              mean[g] + L::load(e_buffer + at) * inverse[g] * max(L::load(z_buffer + at), least);
        }
    }
    int kept = 0;
    for (int t = 0; t < filled; ++t) {
      const int i = used[t];
      Pack mass(0.0), square(0.0), moment(0.0), most(0.0);
      for (int g = 0; g < packs; ++g) {
        const long at = static_cast<long>(t) * Block::width + g * L::pack_width;
        const Pack w = L::load(e_buffer + at) * inverse[g], p = w * b[g];
        mass = mass + p;
        square = square + p * w;
        most = max(most, w);
        if (with_moment) moment = moment + p * (max(L::load(z_buffer + at), least) - mean[g]);
        L::store(e_buffer + static_cast<long>(kept) * Block::width + g * L::pack_width, w);
      }
      add<ExecutionSpace>(out.marginal + i, sum_lanes(mass));
      add<ExecutionSpace>(out.square + i, sum_lanes(square));
      if (with_moment) add<ExecutionSpace>(out.moment + i, sum_lanes(moment));
      if (some_lane_positive(most - Pack(overlap_cut))) used[kept++] = i;
    }
    filled = kept;
  }

  /// Rows ascend within a list, so that all sums fall below the diagonal.
  KOKKOS_FUNCTION void add_overlaps(const double* w_buffer, const int* used, int filled,
                                    const Pack* b, const Derivatives& out) const {
    for (int t = 1; t < filled; ++t) {
      Pack p[packs];
      for (int g = 0; g < packs; ++g)
        p[g] = b[g] * L::load(w_buffer + static_cast<long>(t) * Block::width + g * L::pack_width);
      double* row = out.overlap + static_cast<long>(used[t]) * stride;
      for (int s = 0; s < t; ++s) {
        const double* w = w_buffer + static_cast<long>(s) * Block::width;
        Pack product = p[0] * L::load(w);
        for (int g = 1; g < packs; ++g) product = product + p[g] * L::load(w + g * L::pack_width);
        add<ExecutionSpace>(row + used[s], sum_lanes(product));
      }
    }
  }
};

}  // namespace otfleet::kernels::newton_detail
