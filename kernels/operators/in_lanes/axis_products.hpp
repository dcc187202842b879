#pragma once
#include "kernels/geometry/gibbs_kernel.hpp"
#include "kernels/lanes/extended_range.hpp"
#include "kernels/lanes/pack.hpp"
#include "kernels/lanes/tile.hpp"

// Products of a tile with the tables of a separable cost, axis after axis.

namespace otfleet::kernels {

namespace detail {

/// acc[r] = sum over s of table[s, r] x[s], for `count` neighboring outputs of one line.
template <class L, int count>
KOKKOS_INLINE_FUNCTION void multiply_block(const typename L::Scalar* table, int in, int out,
                                           const typename L::Scalar* x, long stride,
                                           typename L::Pack* result) {
  using Pack = typename L::Pack;
  Pack sums[count];
#pragma unroll
  for (int r = 0; r < count; ++r) sums[r] = Pack(typename L::Scalar(0));
  for (int s = 0; s < in; ++s) {
    Pack value = L::load(x + s * stride);
    keep(value);
    const typename L::Scalar* row = table + static_cast<long>(s) * out;
#pragma unroll
    for (int r = 0; r < count; ++r) sums[r] = sums[r] + Pack(row[r]) * value;
  }
#pragma unroll
  for (int r = 0; r < count; ++r) result[r] = sums[r];
}

template <class L>
KOKKOS_INLINE_FUNCTION void multiply_outputs(int count, const typename L::Scalar* table, int in,
                                             int out, const typename L::Scalar* x, long stride,
                                             typename L::Pack* result) {
  switch (count) {
    case 1:
      return multiply_block<L, 1>(table, in, out, x, stride, result);
    case 2:
      return multiply_block<L, 2>(table, in, out, x, stride, result);
    case 3:
      return multiply_block<L, 3>(table, in, out, x, stride, result);
    case 4:
      return multiply_block<L, 4>(table, in, out, x, stride, result);
    case 5:
      return multiply_block<L, 5>(table, in, out, x, stride, result);
    default:
      return multiply_block<L, 6>(table, in, out, x, stride, result);
  }
}

/// The lines of one axis: for every index on the two other axes, the rows along this one. Rows of
/// `from` have this axis with its inputs, rows of `to` with its outputs.
struct AxisLines {
  int begin[2], extent[2];
  int in_begin, in_end, out_begin, out_end;
  long from_stride[2], to_stride[2], from_step, to_step;

  KOKKOS_INLINE_FUNCTION int count() const { return extent[0] * extent[1]; }
  KOKKOS_INLINE_FUNCTION long from_row(int line, int s) const {
    return (begin[0] + line / extent[1]) * from_stride[0] +
           (begin[1] + line % extent[1]) * from_stride[1] + s * from_step;
  }
  KOKKOS_INLINE_FUNCTION long to_row(int line, int r) const {
    return (begin[0] + line / extent[1]) * to_stride[0] +
           (begin[1] + line % extent[1]) * to_stride[1] + r * to_step;
  }
};

/// The lines of axis `p` of three, when the axes after it are already contracted.
KOKKOS_INLINE_FUNCTION AxisLines axis_lines(const Region& in, const Region& out, int p) {
  AxisLines lines;
  long from[3], to[3];
  long from_stride = 1, to_stride = 1;
  for (int q = 2; q >= 0; --q) {
    from[q] = from_stride;
    to[q] = to_stride;
    from_stride *= q <= p ? in.length[q] : out.length[q];
    to_stride *= q < p ? in.length[q] : out.length[q];
  }
  for (int q = 0, other = 0; q < 3; ++q) {
    if (q == p) continue;
    const Region& region = q < p ? in : out;
    lines.begin[other] = region.begin[q];
    lines.extent[other] = region.extent(q);
    lines.from_stride[other] = from[q];
    lines.to_stride[other] = to[q];
    ++other;
  }
  lines.in_begin = in.begin[p];
  lines.in_end = in.end[p];
  lines.out_begin = out.begin[p];
  lines.out_end = out.end[p];
  lines.from_step = from[p];
  lines.to_step = to[p];
  return lines;
}

/// Runs finish(line, r, row, pack, sum) with sum = sum over s of table[s, r] x(line, s) for every
/// output r of every line. Work is split by line on a CPU, by line and block of outputs on a GPU.
template <class L, class TeamMember, class Finish>
KOKKOS_INLINE_FUNCTION void multiply_lines(const TeamMember& team,
                                           const AxisTable<typename L::Scalar>& table,
                                           const AxisLines& lines, const typename L::Scalar* x,
                                           const Finish& finish) {
  const int in = lines.in_end - lines.in_begin, outputs = lines.out_end - lines.out_begin;
  const int blocks = (outputs + L::block - 1) / L::block;
  // A single long line (a dense cost) is split too, so that a team of threads has work.
  const int pieces = (L::packs > 1 || lines.count() == 1) ? blocks : 1;
  const int out = table.out;
  const typename L::Scalar* linear =
      table.linear + static_cast<long>(lines.in_begin) * out + lines.out_begin;
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, lines.count() * pieces), [&](int item) {
    const int line = item / pieces, piece = item % pieces;
    const int first = blocks * piece / pieces, last = blocks * (piece + 1) / pieces;
    const long from = lines.from_row(line, lines.in_begin) * L::width;
    const long to = lines.to_row(line, lines.out_begin);
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)), [&](int pack) {
      static_assert(L::block <= 6, "sums and multiply_outputs() have room for six");
      for (int block = first; block < last; ++block) {
        // Blocks of nearly equal size: 28 outputs are 6+6+6+5+5, not 6+6+6+6+4.
        const int begin = outputs * block / blocks, end = outputs * (block + 1) / blocks;
        typename L::Pack sums[6];
        multiply_outputs<L>(end - begin, linear + begin, in, out, x + from + pack * L::pack_width,
                            lines.from_step * L::width, sums);
        for (int r = begin; r < end; ++r)
          finish(line, lines.out_begin + r, to + r * lines.to_step, pack, sums[r - begin]);
      }
    });
  });
  team.team_barrier();
}

/// Contracts the axes one after the other, last first, by calling step(table, lines, from, to);
/// intermediate results alternate between `tmp` and `y`, the last one is in `y`; `x` is kept.
template <class Scalar, class Step>
KOKKOS_INLINE_FUNCTION void contract_axes(const AxisChain<Scalar>& chain, const Scalar* x,
                                          Scalar* y, Scalar* tmp, const Step& step) {
  const Scalar* from = x;
  for (int d = chain.axes - 1; d >= 0; --d) {
    Scalar* to = d % 2 == 0 ? y : tmp;
    step(chain.axis[d], axis_lines(chain.from, chain.to, d + 3 - chain.axes), from, to);
    from = to;
  }
}

}  // namespace detail

/// y = K x for every lane, K the product of the chain's tables. `tmp` has max_points rows.
template <class L, class TeamMember>
KOKKOS_INLINE_FUNCTION void apply_linear(const TeamMember& team,
                                         const AxisChain<typename L::Scalar>& chain,
                                         const typename L::Scalar* x, typename L::Scalar* y,
                                         typename L::Scalar* tmp) {
  using Scalar = typename L::Scalar;
  detail::contract_axes(chain, x, y, tmp,
                        [&](const AxisTable<Scalar>& table, const detail::AxisLines& lines,
                            const Scalar* from, Scalar* to) {
                          detail::multiply_lines<L>(
                              team, table, lines, from,
                              [&](int, int, long row, int pack, const typename L::Pack& sum) {
                                L::store(to + row * L::width + pack * L::pack_width, sum);
                              });
                        });
}

/// y = min over inputs of (cost + x), the c-transform of −x; same arguments as apply_linear.
template <class L, class TeamMember>
KOKKOS_INLINE_FUNCTION void apply_min_plus(const TeamMember& team,
                                           const AxisChain<typename L::Scalar>& chain,
                                           const typename L::Scalar* x, typename L::Scalar* y,
                                           typename L::Scalar* tmp) {
  using Scalar = typename L::Scalar;
  using Pack = typename L::Pack;
  detail::contract_axes(
      chain, x, y, tmp,
      [&](const AxisTable<Scalar>& table, const detail::AxisLines& lines, const Scalar* from,
          Scalar* to) {
        const int outputs = lines.out_end - lines.out_begin;
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, lines.count() * outputs), [&](int item) {
          const int line = item / outputs, r = lines.out_begin + item % outputs;
          const Scalar* terms = from + lines.from_row(line, 0) * L::width;
          Scalar* least_of_line = to + lines.to_row(line, r) * L::width;
          Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)), [&](int pack) {
            Pack least(Kokkos::Experimental::finite_max<Scalar>::value);
            for (int s = lines.in_begin; s < lines.in_end; ++s)
              least = min(least, Pack(table.linear[static_cast<long>(s) * table.out + r]) +
                                     L::load(terms + s * lines.from_step * L::width +
                                             pack * L::pack_width));
            L::store(least_of_line + pack * L::pack_width, least);
          });
        });
        team.team_barrier();
      });
}

/// Reads and writes numbers in extended range, stored [row][mantissas, exponents][lane].
template <class L>
struct ExtendedRows {
  using Pack = typename L::Pack;
  using Value = ExtendedRange<Pack>;
  KOKKOS_INLINE_FUNCTION static Value load(const typename L::Scalar* x, long row, int pack) {
    const typename L::Scalar* at = x + row * (2 * L::width) + pack * L::pack_width;
    return {L::load(at), L::load(at + L::width)};
  }
  KOKKOS_INLINE_FUNCTION static void store(typename L::Scalar* x, long row, int pack,
                                           const Value& value) {
    typename L::Scalar* at = x + row * (2 * L::width) + pack * L::pack_width;
    L::store(at, value.mantissa);
    L::store(at + L::width, value.exponent);
  }
};

namespace detail {

/// One output of one line, every term with an exponent of its own. Rarely needed, and kept out of
/// the loops that would otherwise carry it.
template <class L>
#ifndef __CUDA_ARCH__
__attribute__((noinline))
#endif
KOKKOS_FUNCTION ExtendedRange<typename L::Pack>
sum_exactly(const AxisTable<typename L::Scalar>& table, const AxisLines& lines,
            const typename L::Scalar* from, int line, int r, int pack) {
  using Scalar = typename L::Scalar;
  using Pack = typename L::Pack;
  using Rows = ExtendedRows<L>;
  const Scalar* mantissa = table.mantissa + static_cast<long>(r) * table.in;
  const Scalar* exponent = table.exponent + static_cast<long>(r) * table.in;
  const long begin = lines.from_row(line, 0);
  Pack largest(extended_zero_exponent<Scalar>);
  for (int s = lines.in_begin; s < lines.in_end; ++s)
    largest = max(Rows::load(from, begin + s * lines.from_step, pack).exponent + Pack(exponent[s]),
                  largest);
  Pack sum(Scalar(0));
  for (int s = lines.in_begin; s < lines.in_end; ++s) {
    const auto term = Rows::load(from, begin + s * lines.from_step, pack);
    sum = sum + term.mantissa * Pack(mantissa[s]) *
                    power_of_two(term.exponent + Pack(exponent[s]) - largest);
  }
  return normalize(sum, largest);
}

}  // namespace detail

/// y = K x for every lane, x and y in extended range, whatever the range of x and of K.
///
/// Every line is scaled by its largest power of two and multiplied with the linear table. A sum
/// that is not far above the smallest normal number may have lost terms to underflow; those
/// outputs, and only those, are summed again with exponents of their own. `tmp` has max_points
/// rows, `scaled` and `shifts` the same in plain numbers.
template <class L, class TeamMember>
KOKKOS_INLINE_FUNCTION void apply_extended(const TeamMember& team,
                                           const AxisChain<typename L::Scalar>& chain,
                                           const typename L::Scalar* x, typename L::Scalar* y,
                                           typename L::Scalar* tmp, typename L::Scalar* scaled,
                                           typename L::Scalar* shifts) {
  using Scalar = typename L::Scalar;
  using Pack = typename L::Pack;
  using Rows = ExtendedRows<L>;
  constexpr Scalar nothing = extended_zero_exponent<Scalar>;
  // Terms below the smallest normal number are lost; they must not add up to one rounding error of
  // a sum of up to 1e5 terms.
  constexpr Scalar reliable = sizeof(Scalar) == 8 ? Scalar(1e-286) : Scalar(1e-25);
  detail::contract_axes(
      chain, x, y, tmp,
      [&](const AxisTable<Scalar>& table, const detail::AxisLines& lines, const Scalar* from,
          Scalar* to) {
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, lines.count()), [&](int line) {
          const long begin = lines.from_row(line, 0);
          Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)), [&](int pack) {
            Pack shift(nothing);
            for (int s = lines.in_begin; s < lines.in_end; ++s)
              shift = max(Rows::load(from, begin + s * lines.from_step, pack).exponent, shift);
            for (int s = lines.in_begin; s < lines.in_end; ++s) {
              const long row = begin + s * lines.from_step;
              const auto value = Rows::load(from, row, pack);
              L::store(scaled + row * L::width + pack * L::pack_width,
                       value.mantissa * power_of_two(value.exponent - shift));
            }
            L::store(shifts + static_cast<long>(line) * L::width + pack * L::pack_width, shift);
          });
        });
        team.team_barrier();
        detail::multiply_lines<L>(
            team, table, lines, scaled, [&](int line, int r, long row, int pack, const Pack& sum) {
              const Pack none(Scalar(0)), one(Scalar(1)), least(reliable);
              const Pack shift =
                  L::load(shifts + static_cast<long>(line) * L::width + pack * L::pack_width);
              // A line without mass gives zero. A NaN fails the comparison and stays.
              const Pack alive = if_greater(Pack(nothing / 2), shift, none, one);
              const Pack lost = if_greater(least, sum, alive, none);
              ExtendedRange<Pack> value = normalize(sum, shift);
              if (any_positive(lost)) {
                const auto exact = detail::sum_exactly<L>(table, lines, from, line, r, pack);
                value.mantissa = if_greater(lost, none, exact.mantissa, value.mantissa);
                value.exponent = if_greater(lost, none, exact.exponent, value.exponent);
              }
              Rows::store(to, row, pack,
                          {if_greater(alive, none, value.mantissa, none),
                           if_greater(alive, none, value.exponent, Pack(nothing))});
            });
      });
}

}  // namespace otfleet::kernels
