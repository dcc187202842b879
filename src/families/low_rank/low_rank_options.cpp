#include "src/families/low_rank/low_rank_options.hpp"

#include <spdlog/fmt/fmt.h>

#include "src/config/checks.hpp"
#include "src/job.hpp"

namespace otfleet {

void add_keys(KeyList& keys, LowRankOptions& options) {
  using namespace checks;
  keys.add(
      "objective", options.objective,
      "linear: what moving mass costs; gromov_wasserstein: how differently pairs of points are "
      "apart in both clouds, by squared distances, wherever the clouds lie");
  keys.add("rank", options.rank, integer(1, 1000),
           "of plans, at most: how many clusters of source points are paired with clusters of "
           "target points");
}

void set_low_rank_defaults(Job& job) {
  job.problem.geometry = GeometryKind::clouds;
  job.solution.potentials = false;
  job.solver.threshold = 1e-4;
}

std::string low_rank_complaint(const Job& job) {
  if (job.problem.kind == ProblemKind::low_rank) return {};
  const std::string section = "low_rank.";
  for (const auto& key : job.given)
    if (key.starts_with(section)) return fmt::format("{} needs problem.kind = 'low_rank'", key);
  return {};
}

}  // namespace otfleet
