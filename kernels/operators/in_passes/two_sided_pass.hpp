#pragma once
#include <algorithm>

#include "kernels/geometry/cost_form.hpp"
#include "kernels/operators/in_passes/run_two_sided_pass.hpp"

// The kernel of a two-sided pass, for one cost: for run_two_sided_pass.cpp alone, which compiles
// all of them.

namespace otfleet::kernels {

/// Of PairTerms in a pass.
enum class PairTermsUse { none, fill, read };

/// A thread takes strips of rows one after the other. It computes the exponentials of a strip over
/// all columns and keeps them in its cache, asks for the factors of the rows, and adds the rows to
/// the columns' sums.
template <class Cost, class ExecutionSpace, class Scalar>
struct TwoSidedPass {
  using Workspace = TwoSidedWorkspace<ExecutionSpace, Scalar>;
  using L = typename CloudPoints<ExecutionSpace, Scalar>::L;
  using Pack = typename L::Pack;
  static constexpr int block = CloudPoints<ExecutionSpace, Scalar>::row_block;
  static constexpr int most_rows = Workspace::most_rows;
  static_assert(most_rows % block == 0);
  /// Of a cache line; and how many packs of columns are asked for before they are read.
  static constexpr int numbers_of_line = 64 / static_cast<int>(sizeof(Scalar)), ahead = 12;

  const Scalar *rows, *columns, *offset, *shift;
  int row_count, dimension, column_blocks;
  int strip;  ///< rows taken together, at most most_rows
  int chunk;  ///< column blocks whose coordinates stay in the first cache
  Cost ground_cost;
  Scalar scale;
  StoredCosts<ExecutionSpace, Scalar> costs;  ///< StoredCost
  Workspace workspace;
  const RowFactors<Scalar>* factors_of;
  PairTermsUse use;
  Scalar* pair_terms;

  int columns_end() const { return column_blocks * L::width; }

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    if constexpr (Backend<ExecutionSpace>::takes_two_sided_passes) {
      const std::int64_t strips = (row_count + strip - 1) / strip;
      const int thread = team.league_rank(), threads = team.league_size();
      const auto length = static_cast<std::size_t>(columns_end());
      double* const sums = workspace.sums.data() + length * static_cast<std::size_t>(thread);
      Scalar* const terms = workspace.terms.data() + length * static_cast<std::size_t>(strip) *
                                                         static_cast<std::size_t>(thread);
      std::fill(sums, sums + length, 0.0);
      for (std::int64_t s = strips * thread / threads; s < strips * (thread + 1) / threads; ++s)
        run_strip(thread, static_cast<int>(s) * strip, terms, sums);
    }
  }

  void run_strip(int thread, int first, Scalar* terms, double* sums) const {
    const int count = std::min(strip, row_count - first);
    const int padded = (count + block - 1) / block * block;
    Pack totals[most_rows];
    for (int r = 0; r < padded; ++r) totals[r] = Pack(Scalar(0));
    for (int begin = 0; begin < column_blocks; begin += chunk) {
      const int end = std::min(column_blocks, begin + chunk);
      for (int r = 0; r < padded; r += block) {
        Scalar* const to = terms + static_cast<std::size_t>(r) * columns_end();
        if (use == PairTermsUse::none)
          run_block<PairTermsUse::none>(first + r, begin, end, to, totals + r);
        else if (use == PairTermsUse::fill)
          run_block<PairTermsUse::fill>(first + r, begin, end, to, totals + r);
        else
          run_block<PairTermsUse::read>(first + r, begin, end, to, totals + r);
      }
    }
    Scalar row_sums[most_rows], factors[most_rows];
    for (int r = 0; r < padded; ++r) {
      Scalar lanes[L::width];
      L::store(lanes, totals[r]);
      for (int e = 1; e < L::width; ++e) lanes[0] += lanes[e];
      row_sums[r] = lanes[0];
      factors[r] = 0;
    }
    (*factors_of)(thread, first, count, row_sums, factors);
    add_rows(count, terms, factors, sums);
  }

  /// Exponentials of a block of rows, which add to their totals.
  template <PairTermsUse used>
  void run_block(int row, int begin, int end, Scalar* terms, Pack* totals) const {
    Pack part[block], own_shift[block];
    for (int r = 0; r < block; ++r) {
      part[r] = Pack(Scalar(0));
      own_shift[r] = Pack(row + r < row_count ? shift[row + r] : Scalar(0));
    }
    Scalar* kept = pair_terms + (static_cast<std::size_t>(row) * column_blocks +
                                 static_cast<std::size_t>(begin) * block) *
                                    L::width;
    for (int c = begin; c < end; ++c) {
      const Pack column_offset = L::load(offset + c * L::width);
      Pack exponents[block];
      for (int r = 0; r < block; ++r) exponents[r] = column_offset - own_shift[r];
      if constexpr (used == PairTermsUse::none) {
        add_pairs(row, c, exponents);
      } else {
        Pack pairs[block];
        if constexpr (used == PairTermsUse::fill) {
          for (auto& pair : pairs) pair = Pack(Scalar(0));
          add_pairs(row, c, pairs);
          for (int r = 0; r < block; ++r) L::store(kept + r * L::width, pairs[r]);
        } else {
          for (int r = 0; r < block; ++r) {
            __builtin_prefetch(kept + (r + 6 * 24) * L::width);
            __builtin_prefetch(kept + (r + 6 * 24) * L::width + L::width / 2);
            pairs[r] = L::load(kept + r * L::width);
          }
        }
        kept += block * L::width;
        for (int r = 0; r < block; ++r) exponents[r] = exponents[r] + pairs[r];
      }
      for (int r = 0; r < block; ++r) {
        const Pack term = exp2_bounded(exponents[r]);
        part[r] = part[r] + term;
        L::store(terms + static_cast<std::size_t>(r) * columns_end() + c * L::width, term);
      }
    }
    for (int r = 0; r < block; ++r) totals[r] = totals[r] + part[r];
  }

  /// exponents −= scale C, or += <x, y>, of a block of rows and a pack of columns.
  OTFLEET_PACK_INLINE void add_pairs(int row, int c, Pack* exponents) const {
    if constexpr (is_stored<Cost>) {
      for (int r = 0; r < block; ++r) {
        const int at = row + r < row_count ? row + r : row_count - 1;
        const Pack cost = L::load(costs.values.data() + at * costs.stride + c * L::width);
        exponents[r] = exponents[r] - Pack(scale) * cost;
      }
    } else {
      using Sum = typename Cost::template Sum<Pack>;
      const Scalar* x = rows + static_cast<std::size_t>(row) * dimension;
      const Scalar* y = columns + static_cast<std::size_t>(c) * dimension * L::width;
      Sum sums[block];
      for (int r = 0; r < block; ++r) {
        if constexpr (is_product<Cost>)
          sums[r] = exponents[r];
        else
          sums[r] = Sum(Pack(Scalar(0)));
      }
      for (int k = 0; k < dimension; ++k) {
        Pack coordinate = L::load(y + k * L::width);
        keep(coordinate);
        for (int r = 0; r < block; ++r)
          sums[r] = Cost::add(sums[r], Pack(x[k * block + r]), coordinate);
      }
      for (int r = 0; r < block; ++r) {
        if constexpr (is_product<Cost>)
          exponents[r] = sums[r];
        else
          exponents[r] =
              exponents[r] - Pack(scale) * ground_cost.template from_sum<Scalar, Pack>(sums[r]);
      }
    }
  }

  /// sums += factors · terms, for the rows of a strip.
  void add_rows(int count, const Scalar* terms, const Scalar* factors, double* sums) const {
    constexpr int together = 4;
    int c = 0;
    for (; c + together <= column_blocks; c += together)
      add_columns<together>(count, c, terms, factors, sums);
    for (; c < column_blocks; ++c) add_columns<1>(count, c, terms, factors, sums);
  }
  template <int together>
  OTFLEET_PACK_INLINE void add_columns(int count, int c, const Scalar* terms, const Scalar* factors,
                                       double* sums) const {
    Pack part[together];
    for (auto& p : part) p = Pack(Scalar(0));
    const Scalar* from = terms + c * L::width;
    for (int r = 0; r < count; ++r, from += columns_end()) {
      const Pack factor(factors[r]);
      for (int p = 0; p < together; ++p) part[p] = part[p] + factor * L::load(from + p * L::width);
    }
    for (int p = 0; p < together; ++p) {
      Scalar lanes[L::width];
      L::store(lanes, part[p]);
      double* const to = sums + (c + p) * L::width;
      for (int e = 0; e < L::width; ++e) to[e] += static_cast<double>(lanes[e]);
    }
  }
};

}  // namespace otfleet::kernels
