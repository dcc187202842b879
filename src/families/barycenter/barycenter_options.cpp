#include "src/families/barycenter/barycenter_options.hpp"

#include <spdlog/fmt/fmt.h>

#include "src/config/checks.hpp"
#include "src/job.hpp"

namespace otfleet {

void add_keys(KeyList& keys, BarycenterOptions& barycenter) {
  using namespace checks;
  keys.add("debiased", barycenter.debiased, anything,
           "without the blur that epsilon brings: the barycenter of Sinkhorn divergences; the cost "
           "has to be symmetric");
  keys.add("support", barycenter.support,
           "where a barycenter has its mass; fixed: on the source side's points of the geometry; "
           "free: on barycenter.points points that move, for measures with points of their own "
           "(problem.geometry = \"clouds\")");
  keys.add("points", barycenter.points, integer(1),
           "free support: points of a barycenter, of equal weight, unless the population has them");
  keys.add("point_threshold", barycenter.point_threshold, above_zero,
           "free support: stop when one more move takes the points less far, as a root of a mean "
           "square, than this share of the spread of the measures' points");
  keys.add("max_moves", barycenter.max_moves, integer(0), "free support: moves at most");
  keys.add("fewest_measures", barycenter.fewest_measures, integer(1),
           "make: a problem has a random number of measures, at least as many, all different");
  keys.add("most_measures", barycenter.most_measures, integer(1), "and at most as many");
  keys.add("weights", barycenter.weights,
           "make: weights of a problem's measures; equal, or random (uniform on the simplex)");
}

std::string barycenter_complaint(const Job& job) {
  if (job.problem.kind != ProblemKind::barycenter) {
    const std::string section = "barycenter.";
    for (const auto& key : job.given)
      if (key.starts_with(section)) return fmt::format("{} needs problem = 'barycenter'", key);
    return {};
  }
  const auto& barycenter = job.barycenter;
  if (barycenter.fewest_measures > barycenter.most_measures)
    return fmt::format(
        "barycenter.fewest_measures = {} is more than barycenter.most_measures = {}; set both",
        barycenter.fewest_measures, barycenter.most_measures);
  if (barycenter.support == BarycenterSupport::fixed)
    for (const char* key :
         {"barycenter.points", "barycenter.point_threshold", "barycenter.max_moves"})
      if (job.sets(key)) return fmt::format("{} needs barycenter.support = 'free'", key);
  return {};
}

}  // namespace otfleet
