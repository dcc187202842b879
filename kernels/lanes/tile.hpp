#pragma once
#include "kernels/lanes/pack.hpp"
#include "kernels/lanes/region.hpp"

// A tile is the working set of one team: `width` instances, stored [row][lane] with the lane
// innermost. Each of the operations below works on a
// region of the rows, the smallest box that holds the support of every lane.

namespace otfleet::kernels {

namespace detail {

/// A run of rows is one piece of work on a CPU; on a GPU every row is one.
template <class L>
inline constexpr bool split_runs = L::packs > 1;

template <class L>
KOKKOS_INLINE_FUNCTION int pieces(const Region& region) {
  return split_runs<L> ? region.runs() * region.run_length() : region.runs();
}
template <class L>
KOKKOS_INLINE_FUNCTION int piece_begin(const Region& region, int piece) {
  return split_runs<L> ? region.run_begin(piece / region.run_length()) + piece % region.run_length()
                       : region.run_begin(piece);
}
template <class L>
KOKKOS_INLINE_FUNCTION int piece_length(const Region& region) {
  return split_runs<L> ? 1 : region.run_length();
}

}  // namespace detail

/// Runs body(row, pack) for every row of the region; ends with a team barrier.
template <class L, class TeamMember, class Body>
KOKKOS_INLINE_FUNCTION void for_rows(const TeamMember& team, const Region& region,
                                     const Body& body) {
  const int length = detail::piece_length<L>(region);
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, detail::pieces<L>(region)), [&](int piece) {
    const int begin = detail::piece_begin<L>(region, piece);
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)), [&](int pack) {
      for (int row = begin; row < begin + length; ++row) body(row, pack);
    });
  });
  team.team_barrier();
}

/// Runs body(pack) for every pack of a single row; ends with a team barrier.
template <class L, class TeamMember, class Body>
KOKKOS_INLINE_FUNCTION void for_packs(const TeamMember& team, const Body& body) {
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, 1), [&](int) {
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)),
                         [&](int pack) { body(pack); });
  });
  team.team_barrier();
}

/// out[c · width + lane] = sum over the region's rows of what add(row, pack, sums) adds to sums[c],
/// for c < count, in an order that depends on nothing but the team size: rows that are left out of
/// the region would add zero. `partial` holds count × team_size × width numbers. Ends with a
/// barrier.
template <class L, int count, class TeamMember, class Add>
KOKKOS_INLINE_FUNCTION void add_rows(const TeamMember& team, const Region& region,
                                     typename L::Scalar* partial, typename L::Scalar* out,
                                     const Add& add) {
  using Pack = typename L::Pack;
  const int workers = team.team_size();
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, workers), [&](int worker) {
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)), [&](int pack) {
      Pack sums[count];
      for (int c = 0; c < count; ++c) sums[c] = Pack(typename L::Scalar(0));
      for (int run = 0; run < region.runs(); ++run) {
        const int begin = region.run_begin(run), end = begin + region.run_length();
        const int first = begin + (worker - begin % workers + workers) % workers;
        for (int row = first; row < end; row += workers) add(row, pack, sums);
      }
      for (int c = 0; c < count; ++c)
        L::store(partial + (c * workers + worker) * L::width + pack * L::pack_width, sums[c]);
    });
  });
  team.team_barrier();
  for_packs<L>(team, [&](int pack) {
    for (int c = 0; c < count; ++c) {
      Pack sum(typename L::Scalar(0));
      for (int worker = 0; worker < workers; ++worker)
        sum = sum + L::load(partial + (c * workers + worker) * L::width + pack * L::pack_width);
      L::store(out + c * L::width + pack * L::pack_width, sum);
    }
  });
}

/// One sum, of term(row, pack).
template <class L, class TeamMember, class Term>
KOKKOS_INLINE_FUNCTION void sum_rows(const TeamMember& team, const Region& region,
                                     typename L::Scalar* partial, typename L::Scalar* out,
                                     const Term& term) {
  add_rows<L, 1>(team, region, partial, out, [&](int row, int pack, typename L::Pack(&sums)[1]) {
    sums[0] = sums[0] + term(row, pack);
  });
}

/// out[lane] = the largest of `least` and value(row, pack) over the region's rows; as sum_rows().
template <class L, class TeamMember, class Value>
KOKKOS_INLINE_FUNCTION void largest_row(const TeamMember& team, const Region& region,
                                        typename L::Scalar* partial, typename L::Scalar* out,
                                        const Value& value,
                                        typename L::Scalar least = typename L::Scalar(0)) {
  using Pack = typename L::Pack;
  const int workers = team.team_size();
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, workers), [&](int worker) {
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, int(L::packs)), [&](int pack) {
      Pack most(least);
      for (int run = 0; run < region.runs(); ++run) {
        const int begin = region.run_begin(run);
        for (int row = worker; row < region.run_length(); row += workers)
          most = max(most, value(begin + row, pack));
      }
      L::store(partial + worker * L::width + pack * L::pack_width, most);
    });
  });
  team.team_barrier();
  for_packs<L>(team, [&](int pack) {
    Pack most(least);
    for (int worker = 0; worker < workers; ++worker)
      most = max(most, L::load(partial + worker * L::width + pack * L::pack_width));
    L::store(out + pack * L::pack_width, most);
  });
}

}  // namespace otfleet::kernels
