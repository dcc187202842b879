#include "src/families/low_rank/low_rank_options.hpp"

#include "src/config/checks.hpp"
#include "src/job.hpp"

namespace otfleet {

void add_keys(KeyList& keys, LowRankOptions& options) {
  using namespace checks;
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
  if (job.problem.kind == ProblemKind::low_rank || !job.given.contains("low_rank.rank")) return {};
  return "low_rank.rank needs problem.kind = 'low_rank'";
}

}  // namespace otfleet
