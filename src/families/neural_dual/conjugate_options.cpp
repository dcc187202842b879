#include "src/families/neural_dual/conjugate_options.hpp"

#include "src/config/checks.hpp"

namespace otfleet {

void add_keys(KeyList& keys, ConjugateOptions& conjugate) {
  using namespace checks;
  keys.add("solver", conjugate.solver,
           "of a conjugate's minimizer, from the prediction on; none: the prediction. Potentials "
           "only, as all of conjugate");
  keys.add("tolerance", conjugate.tolerance, above_zero,
           "of the residual |grad f(x) - y| to stop at, in the units of y; training has its own");
  keys.add("max_steps", conjugate.max_steps, integer(0), "of each point");
  keys.add("memory", conjugate.memory, integer(1, 64), "pairs that L-BFGS keeps of each point");
  keys.add("line_search", conjugate.line_search, "of L-BFGS");
  keys.add("learning_rate", conjugate.learning_rate, above_zero,
           "of Adam's first step, falling by a cosine");
  keys.add("precision", conjugate.precision,
           "of solve and evaluate: mixed is float first (lbfgs), double in the end; training is in "
           "float");
}

}  // namespace otfleet
