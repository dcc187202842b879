#include "src/families/family.hpp"

#include <stdexcept>

#include "distributed/error.hpp"
#include "src/families/barycenter/barycenter_family.hpp"
#include "src/families/conditional_map/conditional_family.hpp"
#include "src/families/gromov_wasserstein/gromov_wasserstein_family.hpp"
#include "src/families/least_action/least_action_family.hpp"
#include "src/families/linear/linear_family.hpp"
#include "src/families/low_rank/low_rank_family.hpp"
#include "src/families/metric_learning/metric_family.hpp"
#include "src/families/neural_dual/neural_dual_family.hpp"
#include "src/families/semidiscrete/semidiscrete_family.hpp"
#include "src/families/sliced/sliced_family.hpp"
#include "src/populations/population_parts.hpp"

namespace otfleet {

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      linear_family(),       neural_dual_family(), conditional_family(),        barycenter_family(),
      least_action_family(), metric_family(),      gromov_wasserstein_family(), sliced_family(),
      low_rank_family(),     semidiscrete_family()};
  return all;
}

const Family& family_of(const Job& job) {
  for (const Family& family : families())
    if (job.problem.kind == family.kind) return family;
  throw std::logic_error("no family of kind " + word_of(job.problem.kind));
}

const Family& family_of(const distributed::Hdf5File& population) {
  const auto kind = population.string_attribute("/", family_attribute);
  if (!kind) return families().front();
  for (const Family& family : families())
    if (*kind == word_of(family.kind) && family.describe != nullptr) return family;
  throw UserError(population.path().string() + ": unknown otfleet_family '" + *kind + "'");
}

}  // namespace otfleet
