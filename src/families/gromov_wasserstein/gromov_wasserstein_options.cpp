#include "src/families/gromov_wasserstein/gromov_wasserstein_options.hpp"

#include "src/config/checks.hpp"
#include "src/job.hpp"

namespace otfleet {

void add_keys(KeyList& keys, GromovWassersteinOptions& options) {
  using namespace checks;
  keys.add(
      "alpha", options.alpha, share,
      "weight of the distortion, how differently the plan's pairs are apart; 1 - alpha: weight "
      "of squared distances between features (fused problems)");
  keys.add("features", options.features, integer(0, 1000000),
           "of a point's coordinates the last ones, which say what it is, not where; the cost "
           "within a space does not see them");
  keys.add(
      "starts", options.starts, integer(1, 1000000),
      "of each problem, of which the cheapest plan is kept: the first pairs points whose costs "
      "to all others are distributed alike, the others are random");
}

void set_gromov_wasserstein_defaults(Job& job) {
  job.problem.geometry = GeometryKind::clouds;
  job.solution.potentials = false;
}

}  // namespace otfleet
