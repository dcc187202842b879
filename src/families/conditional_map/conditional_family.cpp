#include "src/families/conditional_map/conditional_family.hpp"

#include "src/families/linear/linear_family.hpp"

namespace otfleet {

Family conditional_family() {
  return {ProblemKind::conditional_map,
          make_populations,
          open_conditional_maps,
          train_conditional_maps,
          evaluate_conditional_maps,
          nullptr,
          nullptr};
}

}  // namespace otfleet
