#pragma once
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/host_values.hpp"

// Parts of flat arrays, to an array that has some of them one after the other, and back.

namespace otfleet::kernels {

/// One team copies a part.
template <class ExecutionSpace>
struct SegmentCopy {
  Vector<const std::int64_t, ExecutionSpace> all_begin, some_begin;
  const double* from;
  double* to;
  bool gathers;

  KOKKOS_FUNCTION void operator()(const Team<ExecutionSpace>& team) const {
    const int s = team.league_rank();
    const std::int64_t all = all_begin(s), some = some_begin(s);
    const std::int64_t length = some_begin(s + 1) - some;
    const double* source = from + (gathers ? all : some);
    double* target = to + (gathers ? some : all);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, length),
                         [&](std::int64_t i) { target[i] = source[i]; });
  }
};

/// Where the parts `which` of an array lie, of which part k has the entries offsets[k] up to before
/// offsets[k + 1], and where they lie one after the other.
template <class ExecutionSpace>
class Segments {
 public:
  template <class Index>
  Segments(const std::vector<std::int64_t>& offsets, std::span<const Index> which)
      : total_(offsets.back()), begins_{0} {
    std::vector<std::int64_t> all;
    for (const Index k : which) {
      const auto at = static_cast<std::size_t>(k);
      all.push_back(offsets[at]);
      begins_.push_back(begins_.back() + offsets[at + 1] - offsets[at]);
    }
    all_begin_ = copy_to_device<ExecutionSpace>("otfleet::problems::list", all);
    some_begin_ = copy_to_device<ExecutionSpace>("otfleet::problems::list", begins_);
  }

  /// [parts + 1], where each begins when they lie one after the other.
  const std::vector<std::int64_t>& begins() const { return begins_; }
  std::size_t size() const { return static_cast<std::size_t>(begins_.back()); }

  // Both return when the entries are there, and throw std::invalid_argument unless `all` and `some`
  // have as many entries as they should.
  template <class All, class Some>
  void gather(const ExecutionSpace& space, const All& all, const Some& some) const {
    check(all.size(), some.size());
    copy(space, all.data(), some.data(), true);
  }
  template <class Some, class All>
  void scatter(const ExecutionSpace& space, const Some& some, const All& all) const {
    check(all.size(), some.size());
    copy(space, some.data(), all.data(), false);
  }

 private:
  void check(std::size_t all, std::size_t some) const {
    if (all != static_cast<std::size_t>(total_) || some != size())
      throw std::invalid_argument("the chosen problems have " + std::to_string(size()) + " of " +
                                  std::to_string(total_) + " entries; the arrays have others");
  }
  void copy(const ExecutionSpace& space, const double* from, double* to, bool gathers) const {
    const int parts = static_cast<int>(begins_.size()) - 1;
    if (parts == 0) return;
    Kokkos::parallel_for(
        "otfleet::problems::copy_parts",
        Policy<ExecutionSpace>(space, parts, Backend<ExecutionSpace>::team_size, 1),
        SegmentCopy<ExecutionSpace>{all_begin_, some_begin_, from, to, gathers});
    space.fence();
  }

  std::int64_t total_;
  std::vector<std::int64_t> begins_;
  Vector<const std::int64_t, ExecutionSpace> all_begin_, some_begin_;
};

}  // namespace otfleet::kernels
