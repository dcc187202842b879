#include "src/families/neural_dual/neural_dual_family.hpp"

#include "src/families/neural_dual/mapped_points.hpp"
#include "src/refusals.hpp"

namespace otfleet {

namespace {

void make_nothing(const CommandContext& context, Report&) {
  require_population(context.job, "make", "it draws samples as it goes, begin with otfleet train");
}

}  // namespace

Family neural_dual_family() {
  return {ProblemKind::neural_dual, make_nothing,        open_mapped_points,
          train_potentials,         evaluate_potentials, nullptr};
}

}  // namespace otfleet
