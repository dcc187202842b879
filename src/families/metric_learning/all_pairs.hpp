#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "kernels/api/paths.hpp"

namespace otfleet {

/// The actions from every x [N, 2] to every y [M, 2], [N, M]: the fine ones, or those that were
/// minimized. Takes memory for some thousands of paths beside the result. Local.
inline std::vector<double> actions_of_all_pairs(kernels::PathSolver& solver,
                                                std::span<const double> x,
                                                std::span<const double> y, bool fine) {
  constexpr std::size_t paths_of_block = 16384;
  std::vector<double> from, to, actions;
  const auto solve_block = [&] {
    const auto found = solver.solve(from, to);
    const auto& some = fine ? found.fine : found.action;
    actions.insert(actions.end(), some.begin(), some.end());
    from.clear();
    to.clear();
  };
  for (std::size_t i = 0; i < x.size(); i += 2)
    for (std::size_t j = 0; j < y.size(); j += 2) {
      from.insert(from.end(), {x[i], x[i + 1]});
      to.insert(to.end(), {y[j], y[j + 1]});
      if (from.size() == 2 * paths_of_block) solve_block();
    }
  if (!from.empty()) solve_block();
  return actions;
}

}  // namespace otfleet
