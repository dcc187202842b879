#include "src/families/sliced/sliced_schema.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace otfleet {

SlicedSchema::SlicedSchema(const Job& job, const CloudPopulation& population,
                           const std::string& population_name) {
  using Type = ColumnType;
  using Source = kernels::SlicedResults;
  layout_.problems = population.problems();
  layout_.references = {{"/problems/source", population.source},
                        {"/problems/target", population.target}};
  layout_.error = "/solution/residual";
  layout_.upper = "/solution/upper_bound";
  layout_.lower = "/solution/max_sliced";
  const auto add = [&](const char* name, Type type, std::vector<std::int64_t> shape,
                       const char* unit, const char* meaning, auto member) {
    columns_.add(
        layout_, {std::string("/solution/") + name, 0, type, std::move(shape), unit, meaning},
        [member](Source & from) -> auto& { return from.*member; });
  };
  constexpr const char* unit = "cost * mass";
  add("sliced", Type::float64, {}, unit, "mean over random directions", &Source::sliced);
  add("sliced_error", Type::float64, {}, unit, "standard error of that mean",
      &Source::sliced_error);
  add("max_sliced", Type::float64, {}, unit,
      "along the direction; but for rounding, no transport costs less", &Source::max_sliced);
  add("upper_bound", Type::float64, {}, unit, "what no direction exceeds", &Source::bound);
  add("direction", Type::float64, {population.dimension}, "",
      "along which the clouds are furthest apart, of length 1", &Source::direction);
  add("residual", Type::float64, {}, "",
      "slope on the sphere, a share of max_sliced; on an edge the angle at which no step succeeds",
      &Source::residual);
  add("iterations", Type::int32, {}, "", "steps of all starts", &Source::steps);
  add("status", Type::int32, {}, "", "how it ended; attributes status_0 ... name it",
      &Source::status);
  const auto set = [&](const char* name, auto value) {
    layout_.attributes.push_back({"/solution", name, std::move(value)});
  };
  set("population", population_name);
  set("problem", word_of(ProblemKind::sliced));
  set("geometry", population.fingerprint());
  set("directions", job.sliced.directions);
  set("starts", job.sliced.starts);
  set("steps", job.sliced.steps);
  set("seed", job.seed);
  set("threshold", job.solver.threshold);
  set("normalize", std::int64_t{job.solver.normalize});
  layout_.add_status_words();
}

SolutionTable SlicedSchema::table(kernels::SlicedResults results) const {
  return columns_.take(std::move(results));
}

std::string sliced_identity(const Job& job, const std::string& content) {
  const nlohmann::json resolved = job.resolved();
  return nlohmann::json({{"content", content},
                         {"sliced", resolved["sliced"]},
                         {"threshold", job.solver.threshold},
                         {"normalize", job.solver.normalize},
                         {"seed", job.seed}})
      .dump();
}

}  // namespace otfleet
