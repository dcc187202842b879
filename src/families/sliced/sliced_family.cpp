#include "src/families/sliced/sliced_family.hpp"

#include "src/families/linear/linear_family.hpp"

namespace otfleet {

Family sliced_family() {
  return {ProblemKind::sliced, make_populations, open_sliced, nullptr, nullptr, nullptr, nullptr};
}

}  // namespace otfleet
