#include "src/families/semidiscrete/semidiscrete_schema.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace otfleet {

SemidiscreteSchema::SemidiscreteSchema(const Job& job, const CloudPopulation& population,
                                       const std::string& population_name) {
  using Type = ColumnType;
  using Source = SemidiscreteSolutions;
  constexpr std::size_t problem = 0, target_point = 1;
  layout_.problems = population.problems();
  RowSpace points{"target point", 0, {0}, "/solution/g_offsets"};
  for (std::int64_t k = 0; k < population.problems(); ++k)
    points.offsets.push_back(points.offsets.back() + population.target_points(k));
  layout_.spaces.push_back(std::move(points));
  layout_.references = {{"/problems/target", population.target}};
  layout_.error = "/solution/marginal_error";
  layout_.upper = "/solution/upper_bound";
  layout_.lower = "/solution/lower_bound";
  const auto add = [&](const char* name, std::size_t space, Type type,
                       std::vector<std::int64_t> shape, const char* unit, const char* meaning,
                       auto member) {
    columns_.add(
        layout_, {std::string("/solution/") + name, space, type, std::move(shape), unit, meaning},
        [member](Source & from) -> auto& { return from.*member; });
  };
  constexpr const char *cost = "cost * mass", *share = "share of the mass";
  add("transport_cost", problem, Type::float64, {}, cost, "of the plan, a mean over samples",
      &Source::transport_cost);
  add("transport_error", problem, Type::float64, {}, cost, "standard error of transport_cost",
      &Source::transport_error);
  add("dual_value", problem, Type::float64, {}, cost,
      "of the potentials, a mean over samples; nearer to the optimum than transport_cost",
      &Source::dual_value);
  add("upper_bound", problem, Type::float64, {}, cost,
      "not below the optimum without regularization", &Source::upper_bound);
  add("lower_bound", problem, Type::float64, {}, cost,
      "not above the optimum without regularization", &Source::lower_bound);
  add("marginal_error", problem, Type::float64, {}, share,
      "root of the chi-square distance of the points' shares from their weights, an estimate; "
      "their "
      "L1 distance is at most that",
      &Source::marginal_error);
  add("marginal_lower", problem, Type::float64, {}, share, "not above that L1 distance",
      &Source::marginal_lower);
  add("marginal_upper", problem, Type::float64, {}, share, "not below that L1 distance",
      &Source::marginal_upper);
  add("bound_failure", problem, Type::float64, {}, "",
      "probability, over samples, that a bound does not hold", &Source::bound_failure);
  add("samples", problem, Type::int64, {}, "", "that all this is from", &Source::samples);
  add("iterations", problem, Type::int32, {}, "", "steps of the ascent", &Source::iterations);
  add("status", problem, Type::int32, {}, "", "how it ended; attributes status_0 ... name it",
      &Source::status);
  if (job.solution.potentials)
    add("g", target_point, Type::float64, {}, "cost",
        "a sample x goes to the point y where |x - y|^2 - g is least", &Source::potential);
  const std::int64_t assignments = job.semidiscrete.assignments;
  if (assignments > 0)
    add("assignment", problem, Type::int32, {assignments}, "",
        "the target point, counted in its measure, of samples of the noise", &Source::assignments);
  if (assignments > 0 && job.semidiscrete.store_noise)
    add("noise", problem, Type::float64, {assignments, population.dimension}, "", "these samples",
        &Source::noise);
  const auto set = [&](const char* name, auto value) {
    layout_.attributes.push_back({"/solution", name, std::move(value)});
  };
  set("population", population_name);
  set("problem", word_of(ProblemKind::semidiscrete));
  set("geometry", population.fingerprint());
  set("noise", word_of(job.semidiscrete.noise));
  set("scale", job.semidiscrete.scale);
  set("epsilon", job.semidiscrete.epsilon);
  set("seed", job.seed);
  set("threshold", job.solver.threshold);
  set("normalize", std::int64_t{job.solver.normalize});
  layout_.add_status_words();
}

SolutionTable SemidiscreteSchema::table(SemidiscreteSolutions solutions) const {
  return columns_.take(std::move(solutions));
}

std::string semidiscrete_identity(const Job& job, const std::string& content) {
  const nlohmann::json resolved = job.resolved();
  return nlohmann::json({{"content", content},
                         {"semidiscrete", resolved["semidiscrete"]},
                         {"threshold", job.solver.threshold},
                         {"max_iterations", job.solver.max_iterations},
                         {"normalize", job.solver.normalize},
                         {"potentials", job.solution.potentials},
                         {"seed", job.seed}})
      .dump();
}

}  // namespace otfleet
