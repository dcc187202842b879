#include "src/runs/problem_set.hpp"

#include <algorithm>
#include <cmath>

namespace otfleet {

using distributed::Reduction;

void SolveTally::add(const SolutionLayout& layout, const SolutionTable& table) {
  for (std::size_t k = 0; k < counters.size(); ++k) counters[k] += table.counters[k];
  const auto& status = table.integers(layout, "/solution/status");
  const auto& made = table.integers(layout, "/solution/iterations");
  const auto& errors = table.numbers(layout, layout.error);
  const bool bounded = !layout.upper.empty();
  const auto& uppers = bounded ? table.numbers(layout, layout.upper) : errors;
  const auto& lowers = bounded ? table.numbers(layout, layout.lower) : errors;
  statuses.add(status);
  for (std::size_t k = 0; k < status.size(); ++k) {
    iterations += made[k];
    const double gap = bounded ? uppers[k] - lowers[k] : 0;
    const double relative = gap <= 0 ? 0 : gap / std::abs(uppers[k]);
    if (!std::isfinite(errors[k]) || !std::isfinite(relative)) {
      ++not_finite;
      continue;
    }
    max_error = std::max(max_error, errors[k]);
    max_gap = std::max(max_gap, relative);
  }
}

void SolveTally::reduce(const distributed::Communicator& communicator) {
  statuses.reduce(communicator);
  not_finite = communicator.all_reduce(not_finite, Reduction::sum);
  iterations = communicator.all_reduce(iterations, Reduction::sum);
  for (std::int64_t& count : counters) count = communicator.all_reduce(count, Reduction::sum);
  max_error = communicator.all_reduce(max_error, Reduction::max);
  max_gap = communicator.all_reduce(max_gap, Reduction::max);
}

SolutionTable ProblemSet::solve(distributed::Shard, SolveSeconds&, SolveControl&) {
  throw std::logic_error("these problems are solved by all ranks together");
}

TogetherPart ProblemSet::solve_together(std::int64_t, SolveStore&, const Tell&, SolveSeconds&) {
  throw std::logic_error("these problems are solved by one rank each");
}

}  // namespace otfleet
