#include "src/families/linear/solver_options.hpp"

#include "src/config/checks.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/families/linear/method_choice.hpp"

namespace otfleet {

void add_keys(KeyList& keys, SolverOptions& solver) {
  using namespace checks;
  keys.add("method", solver.method, one_of(method_names()),
           "auto: by predicted work, for each problem");
  keys.add("threshold", solver.threshold, above_zero,
           "L1 marginal error to stop at, a share of the mass (of what is transported, where "
           "marginals need not be exact)");
  keys.add("inner_iterations", solver.inner_iterations, integer(1),
           "iterations between two stop tests");
  keys.add("max_iterations", solver.max_iterations, integer(0), "iterations at most");
  keys.add("initializer", solver.initializer, one_of(initializer_names()), initializer_doc());
  keys.add("first_initializer", solver.first_initializer, one_of(first_initializer_names()),
           "start of the first problem of each sequence, where the initializer is previous");
  keys.add("acceleration", solver.acceleration, "of Sinkhorn's iteration: momentum or none");
  keys.add("doubtful_error", solver.doubtful_error, zero_or_more,
           "share of the mass: a prediction with a larger first error is compared with zeros, and "
           "the better one taken");
  keys.add("precision", solver.precision, "double or float; certificates are always double");
  keys.add("normalize", solver.normalize, anything,
           "scale every measure of the population to mass 1 before solving, training or comparing; "
           "values are then those of mass 1");
  keys.add("shard", solver.shard,
           "what each rank gets: problems, or rows of every problem (of points or clouds only), "
           "for problems too large for a rank or fewer than ranks; auto: by predicted work");
  keys.add("checkpoint_seconds", solver.checkpoint_seconds, zero_or_more,
           "between two saves of what an unfinished solve has solved; 0: after every block, and "
           "within a long one every second, within one of more than four problems every ten");
  keys.add("memory_mib", solver.memory_mib, zero_or_more,
           "MiB a rank, besides what a solve needs: in them iterations between large clouds keep "
           "costs, so that none is computed twice; 0: nothing is kept");
}

}  // namespace otfleet
