#include "src/families/barycenter/barycenter_schema.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace otfleet {

BarycenterSchema::BarycenterSchema(const Job& job, const BarycenterPopulation& population,
                                   const std::string& population_name) {
  using enum BarycenterRows;
  using Type = ColumnType;
  const std::int64_t n = population.geometry.n;
  layout_.problems = population.sets.problems();
  set_barycenter_rows(population.sets, layout_);
  layout_.error = "/solution/residual";
  const auto add = [&](const char* name, BarycenterRows rows, Type type,
                       std::vector<std::int64_t> shape, const char* unit, const char* meaning,
                       auto member) {
    columns_.add(
        layout_,
        {std::string("/solution/") + name, static_cast<std::size_t>(rows), type, std::move(shape),
         unit, meaning},
        [member](Barycenters & from) -> auto& { return from.*member; });
  };
  add("weights", problem, Type::float64, {n}, "mass", "the barycenter, at every source point",
      &Barycenters::weights);
  if (job.solution.potentials)
    add("f", measure, Type::float64, {n}, "cost",
        "potential of a measure on the barycenter's side; weighted, those of a problem add up to 0",
        &Barycenters::f);
  add("dual_value", problem, Type::float64, {}, "cost * mass",
      "value of the regularized dual; NaN where debiased or tau < 1", &Barycenters::dual_value);
  add("mass", problem, Type::float64, {}, "mass", "of the barycenter", &Barycenters::mass);
  add("residual", problem, Type::float64, {}, "share of the mass",
      "how far one more update moves the plans' marginals", &Barycenters::residual);
  add("iterations", problem, Type::int32, {}, "", "iterations made", &Barycenters::iterations);
  add("status", problem, Type::int32, {}, "", "how it ended; attributes status_0 ... name it",
      &Barycenters::status);
  set_barycenter_attributes(job, population_name, layout_);
  layout_.attributes.push_back({"/solution", "geometry", population.geometry.fingerprint()});
}

void set_barycenter_rows(const MeasureSets& sets, SolutionLayout& layout) {
  layout.spaces = {{"problem"}, {"measure of a problem"}};
  RowSpace& measures = layout.spaces[static_cast<std::size_t>(BarycenterRows::measure)];
  measures.offsets = sets.offsets;
  measures.offsets_dataset = "/solution/measure_offsets";
}

void set_barycenter_attributes(const Job& job, const std::string& population_name,
                               SolutionLayout& layout) {
  const auto set = [&](const std::string& name, auto value) {
    layout.attributes.push_back({"/solution", name, std::move(value)});
  };
  set("population", population_name);
  set("epsilon", job.problem.epsilon);
  set("tau", job.problem.tau_a);
  set("debiased", std::int64_t{job.barycenter.debiased});
  set("threshold", job.solver.threshold);
  set("normalize", std::int64_t{job.solver.normalize});
  layout.add_status_words();
}

SolutionTable BarycenterSchema::table(Barycenters barycenters) const {
  return columns_.take(std::move(barycenters));
}

std::string barycenter_identity(const Job& job, const std::string& content) {
  const nlohmann::json resolved = job.resolved();
  nlohmann::json identity = {{"content", content}};
  for (const char* key : {"problem", "barycenter", "solver"}) identity[key] = resolved[key];
  identity["potentials"] = job.solution.potentials;
  if (job.barycenter.support == BarycenterSupport::free) identity["seed"] = job.seed;
  for (const char* key : {"checkpoint_seconds", "shard"}) identity["solver"].erase(key);
  for (const char* key : {"fewest_measures", "most_measures", "weights"})
    identity["barycenter"].erase(key);
  return identity.dump();
}

}  // namespace otfleet
