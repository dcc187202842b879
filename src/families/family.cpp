#include "src/families/family.hpp"

#include <stdexcept>

#include "src/families/linear/linear_family.hpp"
#include "src/families/neural_dual/neural_dual_family.hpp"

namespace otfleet {

const std::vector<Family>& families() {
  static const std::vector<Family> all = {linear_family(), neural_dual_family()};
  return all;
}

const Family& family_of(const Job& job) {
  for (const Family& family : families())
    if (job.problem.kind == family.kind) return family;
  throw std::logic_error("no family of kind " + job.problem.kind);
}

}  // namespace otfleet
