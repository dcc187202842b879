#include "src/runs/solution_options.hpp"

#include "src/config/checks.hpp"

namespace otfleet {

void add_keys(KeyList& keys, SolutionOptions& solution) {
  using namespace checks;
  keys.add("potentials", solution.potentials, anything,
           "write f and g, not only the costs and errors");
  keys.add(
      "plan", solution.plan,
      "write the largest entries of the plans' rows, or those with at least a share of their row");
  keys.add("top_k", solution.top_k, integer(1), "entries of a row, for solution.plan = \"top_k\"");
  keys.add("plan_threshold", solution.plan_threshold, share,
           "of a row's mass, for solution.plan = \"threshold\"");
  keys.add("projection", solution.projection, anything,
           "write the barycentric projection of the source points");
  keys.add("divergence", solution.divergence, anything,
           "write the debiased Sinkhorn divergence OT(a, b) - OT(a, a)/2 - OT(b, b)/2: at least 0, "
           "and 0 for equal measures");
  keys.add("regularized", solution.regularized,
           "write the regularized value as others define it: \"ott\", <C, P> + epsilon KL(P | a "
           "b'), OTT-JAX's reg_ot_cost; \"geomloss\", the same with squared distances halved. "
           "dual_value has <C, P> + epsilon sum P log P instead, for mass 1");
  keys.add("csv", solution.csv, anything,
           "write solution.csv, too: a row for each problem with every column of one number");
  keys.add("picture", solution.picture, anything,
           "draw solution.png: interpolated pairs, transported points, or costs and certificates");
}

}  // namespace otfleet
