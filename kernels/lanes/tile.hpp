#pragma once
#include "kernels/geometry/separable_cost.hpp"
#include "kernels/lanes/pack.hpp"

// A tile is the working set of one team: `width` instances, stored [row][lane] with the lane
// innermost. Everything a solver does to a tile is one of the operations below.

namespace otfleet::kernels {

/// Runs body(row, pack) for every row of a tile; ends with a team barrier.
template <class L, class TeamMember, class Body>
KOKKOS_INLINE_FUNCTION void for_rows(const TeamMember& team, int rows, const Body& body) {
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, rows), [&](int row) {
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)),
                         [&](int pack) { body(row, pack); });
  });
  team.team_barrier();
}

/// out[lane] = combine over rows of term(row, pack), starting from `start`, in an order that
/// depends on nothing but the team size. `partial` holds team_size × width numbers. Ends with a
/// barrier.
template <class L, class TeamMember, class Term, class Combine>
KOKKOS_INLINE_FUNCTION void reduce_rows(const TeamMember& team, int rows, typename L::Scalar start,
                                        typename L::Scalar* partial, typename L::Scalar* out,
                                        const Term& term, const Combine& combine) {
  using Pack = typename L::Pack;
  const int workers = team.team_size();
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, workers), [&](int worker) {
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)), [&](int pack) {
      Pack sum(start);
      for (int row = worker; row < rows; row += workers) sum = combine(sum, term(row, pack));
      L::store(partial + worker * L::width + pack * L::pack_width, sum);
    });
  });
  team.team_barrier();
  for_rows<L>(team, 1, [&](int, int pack) {
    Pack sum(start);
    for (int worker = 0; worker < workers; ++worker)
      sum = combine(sum, L::load(partial + worker * L::width + pack * L::pack_width));
    L::store(out + pack * L::pack_width, sum);
  });
}

template <class L, class TeamMember, class Term>
KOKKOS_INLINE_FUNCTION void sum_rows(const TeamMember& team, int rows, typename L::Scalar* partial,
                                     typename L::Scalar* out, const Term& term) {
  using Pack = typename L::Pack;
  reduce_rows<L>(team, rows, typename L::Scalar(0), partial, out, term,
                 [](const Pack& x, const Pack& y) { return x + y; });
}

namespace detail {

/// acc[r] = sum over s of table[s, r] x[s], for `count` neighboring outputs of one line.
template <class L, int count, class Finish>
KOKKOS_INLINE_FUNCTION void multiply_block(const typename L::Scalar* table, int in, int out,
                                           const typename L::Scalar* x, long stride,
                                           const Finish& finish) {
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
  for (int r = 0; r < count; ++r) finish(r, sums[r]);
}

template <class L, class Finish>
KOKKOS_INLINE_FUNCTION void multiply_outputs(int count, const typename L::Scalar* table, int in,
                                             int out, const typename L::Scalar* x, long stride,
                                             const Finish& finish) {
  switch (count) {
    case 1:
      return multiply_block<L, 1>(table, in, out, x, stride, finish);
    case 2:
      return multiply_block<L, 2>(table, in, out, x, stride, finish);
    case 3:
      return multiply_block<L, 3>(table, in, out, x, stride, finish);
    case 4:
      return multiply_block<L, 4>(table, in, out, x, stride, finish);
    case 5:
      return multiply_block<L, 5>(table, in, out, x, stride, finish);
    default:
      return multiply_block<L, 6>(table, in, out, x, stride, finish);
  }
}

/// The lines of one axis of a tile: rows (o, s, i) for s along the axis.
struct AxisLines {
  int outer, inner;
  KOKKOS_INLINE_FUNCTION int lines() const { return outer * inner; }
};

/// Runs finish(line, r, sum) with sum = sum over s of table[s, r] x(line, s) for every output r of
/// every line. Work is split by line on a CPU, by line and block of outputs on a GPU.
template <class L, class TeamMember, class Finish>
KOKKOS_INLINE_FUNCTION void multiply_lines(const TeamMember& team,
                                           const AxisTable<typename L::Scalar>& table,
                                           AxisLines shape, const typename L::Scalar* x,
                                           const Finish& finish) {
  const int blocks = (table.out + L::block - 1) / L::block;
  // A single long line (a dense cost) is split too, so that a team of threads has work.
  const int pieces = (L::packs > 1 || shape.lines() == 1) ? blocks : 1;
  const int in = table.in, out = table.out, inner = shape.inner;
  const typename L::Scalar* linear = table.linear;
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, shape.lines() * pieces), [&](int item) {
    const int line = item / pieces, piece = item % pieces;
    const int o = line / inner, i = line % inner;
    const int first = blocks * piece / pieces, last = blocks * (piece + 1) / pieces;
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)), [&](int pack) {
      const typename L::Scalar* from =
          x + (static_cast<long>(o) * in * inner + i) * L::width + pack * L::pack_width;
      for (int block = first; block < last; ++block) {
        // Blocks of nearly equal size: 28 outputs are 6+6+6+5+5, not 6+6+6+6+4.
        const int begin = out * block / blocks, end = out * (block + 1) / blocks;
        multiply_outputs<L>(end - begin, linear + begin, in, out, from,
                            static_cast<long>(inner) * L::width,
                            [&](int r, const typename L::Pack& sum) {
                              const long row = (static_cast<long>(o) * out + begin + r) * inner + i;
                              finish(line, begin + r, row, pack, sum);
                            });
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
    AxisLines lines{1, 1};
    for (int e = 0; e < d; ++e) lines.outer *= chain.axis[e].in;
    for (int e = d + 1; e < chain.axes; ++e) lines.inner *= chain.axis[e].out;
    Scalar* to = d % 2 == 0 ? y : tmp;
    step(chain.axis[d], lines, from, to);
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
  detail::contract_axes(
      chain, x, y, tmp,
      [&](const AxisTable<Scalar>& table, detail::AxisLines shape, const Scalar* from, Scalar* to) {
        detail::multiply_lines<L>(team, table, shape, from,
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
      [&](const AxisTable<Scalar>& table, detail::AxisLines shape, const Scalar* from, Scalar* to) {
        const int in = table.in, out = table.out, inner = shape.inner;
        const Scalar* cost = table.linear;
        for_rows<L>(team, shape.lines() * out, [&](int row, int pack) {
          const int i = row % inner, r = row / inner % out, o = row / inner / out;
          const Scalar* line =
              from + (static_cast<long>(o) * in * inner + i) * L::width + pack * L::pack_width;
          Pack least(Kokkos::Experimental::finite_max<Scalar>::value);
          for (int s = 0; s < in; ++s)
            least = min(least, Pack(cost[static_cast<long>(s) * out + r]) +
                                   L::load(line + static_cast<long>(s) * inner * L::width));
          L::store(to + static_cast<long>(row) * L::width + pack * L::pack_width, least);
        });
      });
}

/// y = log K exp(x) for every lane, whatever the range of x (−inf allowed) and of K.
///
/// Every line is shifted by its maximum, exponentiated once and multiplied with the linear table.
/// A sum that is not far above the smallest normal number may have lost terms to underflow; those
/// outputs, and only those, are summed again exactly, each with its own shift. `tmp` and
/// `exponentials` have max_points rows, `shifts` max_points rows.
template <class L, class TeamMember>
KOKKOS_INLINE_FUNCTION void apply_log(const TeamMember& team,
                                      const AxisChain<typename L::Scalar>& chain,
                                      const typename L::Scalar* x, typename L::Scalar* y,
                                      typename L::Scalar* tmp, typename L::Scalar* exponentials,
                                      typename L::Scalar* shifts) {
  using Scalar = typename L::Scalar;
  using Pack = typename L::Pack;
  constexpr Scalar lowest = -Kokkos::Experimental::finite_max<Scalar>::value / 4;
  // Terms below the smallest normal number are lost; they must not add up to one rounding error of
  // a sum of up to 1e5 terms.
  constexpr Scalar reliable = sizeof(Scalar) == 8 ? Scalar(1e-286) : Scalar(1e-25);
  detail::contract_axes(
      chain, x, y, tmp,
      [&](const AxisTable<Scalar>& table, detail::AxisLines shape, const Scalar* from, Scalar* to) {
        const int in = table.in, inner = shape.inner;
        const long stride = static_cast<long>(inner) * L::width;
        for_rows<L>(team, shape.lines(), [&](int line, int pack) {
          const long begin =
              (static_cast<long>(line / inner) * in * inner + line % inner) * L::width +
              pack * L::pack_width;
          Pack shift(lowest);
          for (int s = 0; s < in; ++s) shift = max(shift, L::load(from + begin + s * stride));
          for (int s = 0; s < in; ++s)
            L::store(exponentials + begin + s * stride,
                     exp(L::load(from + begin + s * stride) - shift));
          L::store(shifts + static_cast<long>(line) * L::width + pack * L::pack_width, shift);
        });
        detail::multiply_lines<L>(
            team, table, shape, exponentials,
            [&](int line, int r, long row, int pack, const Pack& sum) {
              const Pack shift =
                  L::load(shifts + static_cast<long>(line) * L::width + pack * L::pack_width);
              // A line without mass gives −inf whatever its sum. Here and below a NaN fails the
              // comparison and stays.
              const Pack none(-Kokkos::Experimental::infinity<Scalar>::value);
              const Pack alive =
                  if_greater(Pack(lowest / 2), shift, Pack(Scalar(0)), Pack(Scalar(1)));
              const Pack lost = if_greater(Pack(reliable), sum, alive, Pack(Scalar(0)));
              Pack value = shift + log(max(Pack(reliable), sum));
              if (any_positive(lost)) {
                const Scalar* logarithm = table.logarithm + r;
                const Scalar* terms =
                    from +
                    (static_cast<long>(line / inner) * in * inner + line % inner) * L::width +
                    pack * L::pack_width;
                Pack largest(lowest);
                for (int s = 0; s < in; ++s)
                  largest = max(largest, L::load(terms + s * stride) +
                                             Pack(logarithm[static_cast<long>(s) * table.out]));
                Pack exact(Scalar(0));
                for (int s = 0; s < in; ++s)
                  exact = exact + exp(L::load(terms + s * stride) +
                                      Pack(logarithm[static_cast<long>(s) * table.out]) - largest);
                // At least the largest term survives, unless every term is −inf.
                const Pack some = if_greater(largest, Pack(lowest),
                                             largest + log(max(exact, Pack(Scalar(0.5)))), none);
                value = if_greater(lost, Pack(Scalar(0)), some, value);
              }
              L::store(to + row * L::width + pack * L::pack_width,
                       if_greater(alive, Pack(Scalar(0)), value, none));
            });
      });
}

}  // namespace otfleet::kernels
