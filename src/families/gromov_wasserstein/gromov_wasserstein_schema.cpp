#include "src/families/gromov_wasserstein/gromov_wasserstein_schema.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "src/families/linear/pair_layout.hpp"

namespace otfleet {

GromovWassersteinSchema::GromovWassersteinSchema(const Job& job, const ShapeProblems& population,
                                                 const std::string& population_name) {
  using Type = ColumnType;
  using Source = GromovWassersteinSolutions;
  layout_ = population.layout();
  layout_.error = "/solution/residual";
  layout_.upper = "/solution/upper_bound";
  layout_.lower = "/solution/lower_bound";
  const auto add = [&](const char* name, Type type, const char* unit, const char* meaning,
                       auto member) {
    columns_.add(
        layout_,
        {std::string("/solution/") + name,
         static_cast<std::size_t>(PairRows::problem),
         type,
         {},
         unit,
         meaning},
        [member](Source & from) -> auto& { return from.*member; });
  };
  constexpr const char* unit = "cost^2 * mass^2";
  add("transport_cost", Type::float64, unit, "of a feasible plan: its distortion, and features",
      &Source::transport_cost);
  add("upper_bound", Type::float64, unit, "not below the unregularized optimum",
      &Source::upper_bound);
  add("lower_bound", Type::float64, unit, "not above the unregularized optimum",
      &Source::lower_bound);
  add("regularized_value", Type::float64, unit, "transport_cost + epsilon KL(P | a b')",
      &Source::regularized_value);
  add("marginal_error", Type::float64, "share of the mass", "L1 distance of the plan's marginals",
      &Source::marginal_error);
  add("residual", Type::float64, "share of the mass",
      "L1 distance that the last outer iteration moved the plan", &Source::residual);
  add("iterations", Type::int32, "",
      "outer iterations made, each with a new linear cost, by the start that made most",
      &Source::iterations);
  add("inner_iterations", Type::int32, "", "of Sinkhorn's iteration, of all starts",
      &Source::inner_iterations);
  add("start", Type::int32, "", "which start the plan comes from; all but 0 are random",
      &Source::start);
  add("status", Type::int32, "", "how it ended; attributes status_0 ... name it", &Source::status);
  add_plan_columns(
      columns_, layout_, true, population.coordinates(), job.solution,
      [](Source & from) -> auto& { return from.plan; });
  const auto set = [&](const char* name, auto value) {
    layout_.attributes.push_back({"/solution", name, std::move(value)});
  };
  const auto& options = job.gromov_wasserstein;
  set("population", population_name);
  set("problem", word_of(ProblemKind::gromov_wasserstein));
  if (const auto geometry = population.geometry_fingerprint(); !geometry.empty())
    set("geometry", geometry);
  set("epsilon", job.problem.epsilon);
  set("alpha", options.alpha);
  set("features", population.features(job));
  set("starts", options.starts);
  set("seed", job.seed);
  set("threshold", job.solver.threshold);
  set("normalize", std::int64_t{job.solver.normalize});
  layout_.add_status_words();
  set_plan_attributes(job.solution, layout_);
}

SolutionTable GromovWassersteinSchema::table(GromovWassersteinSolutions solutions) const {
  return columns_.take(std::move(solutions));
}

std::string gromov_wasserstein_identity(const Job& job, const std::string& content) {
  const nlohmann::json resolved = job.resolved();
  nlohmann::json identity = {{"content", content}};
  for (const char* key : {"problem", "gromov_wasserstein", "solver", "solution"})
    identity[key] = resolved[key];
  identity["seed"] = job.seed;
  for (const char* key : {"checkpoint_seconds", "shard"}) identity["solver"].erase(key);
  for (const char* key : {"csv", "picture", "matrix"}) identity["solution"].erase(key);
  return identity.dump();
}

}  // namespace otfleet
