#include "src/families/linear/linear_family.hpp"

#include "src/families/linear/linear_problems.hpp"

namespace otfleet {

Family linear_family() {
  return {ProblemKind::linear, make_populations, open_linear_problems,
          train_start_model,   evaluate_starts,  describe_population};
}

}  // namespace otfleet
