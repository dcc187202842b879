#include "src/families/low_rank/low_rank_options.hpp"

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

}  // namespace otfleet
