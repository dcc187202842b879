#include "src/families/semidiscrete/semidiscrete_family.hpp"

#include "src/families/linear/linear_family.hpp"

namespace otfleet {

Family semidiscrete_family() {
  return {ProblemKind::semidiscrete,
          make_populations,
          open_semidiscrete,
          nullptr,
          nullptr,
          nullptr,
          nullptr};
}

}  // namespace otfleet
