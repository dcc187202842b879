#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "src/families/linear/batch_solver.hpp"
#include "src/families/linear/initializers/initializer.hpp"
#include "src/populations/population_view.hpp"

namespace otfleet {

/// What solved problems leave for those that follow in their sequence: potentials on the target's
/// points of the last two, and how well the last one could have been extrapolated. All problems of
/// a list are of different sequences. Local.
class EarlierSolutions {
 public:
  /// Keeps references to both; `offsets`: see sequence_offsets(), empty where there are none.
  EarlierSolutions(const BatchSolver& solver, const PopulationView& population);

  bool any_sequences() const { return !offsets_.empty(); }
  /// Where sequences begin and the last ends.
  const std::vector<std::int64_t>& offsets() const { return offsets_; }

  /// Was the problem before this one, in the same sequence, the last that keep() saw of it?
  bool has_before(std::int64_t problem) const;

  /// The problems of `rows` in waves: of every sequence the first, the second, and so on.
  std::vector<std::vector<std::int64_t>> waves(distributed::Shard rows) const;

  /// Potentials of the problems before `which`, all of which there are, at the source points of
  /// these, whose batch is `problems`, and as exact as `tolerance` asks, a share of the mass. Work:
  /// two half-steps at most.
  EarlierPotentials at(std::span<const std::int64_t> which, const kernels::Problems& problems,
                       double tolerance) const;

  /// Keeps what the problems `which`, now solved, leave; `started`: what at() gave them, or
  /// nothing. Work: a half-step.
  void keep(std::span<const std::int64_t> which, const kernels::Problems& problems,
            const DeviceArray<double>& f, const EarlierPotentials& started, double tolerance);

 private:
  struct State {
    std::int64_t solved = -1;  ///< the last problem
    int known = 0;             ///< of the following two, the last first
    std::array<std::int32_t, 2> target = {};
    std::array<DeviceArray<double>, 2> g;
    double share = 0;
  };
  std::size_t sequence_of(std::int64_t problem) const;
  bool is_last(std::int64_t problem) const;
  const State& state_before(std::int64_t problem) const;
  DeviceArray<double> potentials(const std::vector<std::int64_t>& which, std::size_t back,
                                 double tolerance) const;

  const BatchSolver& solver_;
  PopulationView population_;
  std::vector<std::int64_t> offsets_;
  std::map<std::size_t, State> states_;  ///< by sequence
};

}  // namespace otfleet
