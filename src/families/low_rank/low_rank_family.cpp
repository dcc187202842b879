#include "src/families/low_rank/low_rank_family.hpp"

#include "src/families/linear/linear_family.hpp"

namespace otfleet {

Family low_rank_family() {
  return {
      ProblemKind::low_rank, make_populations, open_low_rank, nullptr, nullptr, nullptr, nullptr};
}

}  // namespace otfleet
