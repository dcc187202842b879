#include "src/families/barycenter/free_support_schema.hpp"

#include <utility>

#include "src/families/barycenter/barycenter_schema.hpp"

namespace otfleet {
FreeSupportSchema::FreeSupportSchema(const Job& job, const FreeSupportPopulation& population,
                                     const std::string& population_name) {
  using enum BarycenterRows;
  using Type = ColumnType;
  using Source = FreeSupportBarycenters;
  const std::int64_t n = population.points;
  layout_.problems = population.sets.problems();
  set_barycenter_rows(population.sets, layout_);
  layout_.error = "/solution/residual";
  layout_.upper = "/solution/upper_bound";
  layout_.lower = "/solution/lower_bound";
  const auto add = [&](const char* name, BarycenterRows rows, Type type,
                       std::vector<std::int64_t> shape, const char* unit, const char* meaning,
                       auto member) {
    columns_.add(
        layout_,
        {std::string("/solution/") + name, static_cast<std::size_t>(rows), type, std::move(shape),
         unit, meaning},
        [member](Source & from) -> auto& { return from.*member; });
  };
  add("points", problem, Type::float64, {n, population.dimension}, "coordinates",
      "the barycenter's points", &Source::points);
  add("weights", problem, Type::float64, {n}, "mass", "of the barycenter's points",
      &Source::weights);
  if (job.solution.potentials)
    add("f", measure, Type::float64, {n}, "cost",
        "potential of the transport from a measure, on the barycenter's side", &Source::f);
  add("dual_value", problem, Type::float64, {}, "cost * mass",
      "value of the regularized dual, the measures' weighted mean", &Source::dual_value);
  add("transport_cost", problem, Type::float64, {}, "cost * mass",
      "of the plans from the measures, their weighted mean", &Source::transport_cost);
  add("upper_bound", problem, Type::float64, {}, "cost * mass",
      "of the weighted mean of the unregularized costs to these points", &Source::upper_bound);
  add("lower_bound", problem, Type::float64, {}, "cost * mass", "and not less than this",
      &Source::lower_bound);
  add("marginal_error", problem, Type::float64, {}, "share of the mass",
      "L1, the largest of the problem's plans", &Source::marginal_error);
  add("residual", problem, Type::float64, {}, "share of the spread",
      "how far one more move takes the points", &Source::residual);
  add("moves", problem, Type::int32, {}, "", "moves of all points", &Source::moves);
  add("iterations", problem, Type::int32, {}, "",
      "of Sinkhorn's iteration, over all measures and moves", &Source::iterations);
  add("status", problem, Type::int32, {}, "", "how it ended; attributes status_0 ... name it",
      &Source::status);
  set_barycenter_attributes(job, population_name, layout_);
  layout_.attributes.push_back({"/solution", "point_threshold", job.barycenter.point_threshold});
}

SolutionTable FreeSupportSchema::table(FreeSupportBarycenters barycenters) const {
  return columns_.take(std::move(barycenters));
}

}  // namespace otfleet
