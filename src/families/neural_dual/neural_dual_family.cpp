#include "src/families/neural_dual/neural_dual_family.hpp"

#include "src/families/neural_dual/mapped_points.hpp"

namespace otfleet {

Family neural_dual_family() {
  return {ProblemKind::neural_dual,
          nullptr,
          open_mapped_points,
          train_potentials,
          evaluate_potentials,
          nullptr,
          nullptr};
}

}  // namespace otfleet
