#include "src/families/low_rank/low_rank_schema.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "src/families/linear/pair_layout.hpp"

namespace otfleet {

LowRankSchema::LowRankSchema(const Job& job, const CloudPopulation& population,
                             const std::string& population_name) {
  using Type = ColumnType;
  using Source = LowRankSolutions;
  layout_ = pair_layout(population);
  layout_.error = "/solution/residual";
  layout_.upper = "/solution/upper_bound";
  layout_.lower = "/solution/lower_bound";
  const auto add = [&](const char* name, Type type, std::vector<std::int64_t> shape,
                       const char* unit, const char* meaning, auto member) {
    columns_.add(
        layout_,
        {std::string("/solution/") + name, static_cast<std::size_t>(PairRows::problem), type,
         std::move(shape), unit, meaning},
        [member](Source & from) -> auto& { return from.*member; });
  };
  const bool shapes = job.low_rank.objective == kernels::LowRankObjective::gromov_wasserstein;
  const char* const unit = shapes ? "cost^2 * mass^2" : "cost * mass";
  const std::int64_t rank = job.low_rank.rank, d = population.dimension;
  add("transport_cost", Type::float64, {}, unit, "of the plan, which is feasible",
      &Source::transport_cost);
  add("upper_bound", Type::float64, {}, unit, "not below the optimum of any rank",
      &Source::upper_bound);
  add("lower_bound", Type::float64, {}, unit, "not above the optimum of any rank",
      &Source::lower_bound);
  add("bound_failure", Type::float64, {}, "",
      "probability that lower_bound is too large, over the points that it is computed from; 0: of "
      "all points",
      &Source::bound_failure);
  if (job.solution.divergence)
    add("divergence", Type::float64, {}, unit,
        "transport_cost less half of what the measures cost to themselves by plans of that rank",
        &Source::divergence);
  add("marginal_error", Type::float64, {}, "share of the mass",
      "L1 distance of both factors' clusters, before the plan was made feasible",
      &Source::marginal_error);
  add("residual", Type::float64, {}, "",
      "by how much the last step lowered the cost, a share of twice the product of both standard "
      "deviations; of distortions of 16 times that of both variances",
      &Source::residual);
  add("clusters", Type::int32, {}, "", "that have mass", &Source::clusters);
  add("iterations", Type::int32, {}, "", "steps of mirror descent", &Source::iterations);
  add("status", Type::int32, {}, "", "how it ended; attributes status_0 ... name it",
      &Source::status);
  add("cluster_mass", Type::float64, {rank}, "mass", "of the clusters", &Source::masses);
  add("source_center", Type::float64, {rank, d}, "", "of the clusters' source points",
      &Source::source_centers);
  add("target_center", Type::float64, {rank, d}, "", "of the clusters' target points",
      &Source::target_centers);
  add("source_slope", Type::float64, {rank, d}, "",
      "a source point's share in clusters is proportional to exp(offset + <slope, point>)",
      &Source::source_slopes);
  add("source_offset", Type::float64, {rank}, "", "see source_slope", &Source::source_offsets);
  add("target_slope", Type::float64, {rank, d}, "", "the same of target points",
      &Source::target_slopes);
  add("target_offset", Type::float64, {rank}, "", "see target_slope", &Source::target_offsets);
  if (shapes) {
    add("source_square", Type::float64, {rank}, "",
        "the exponent has square |point|^2 besides, see source_slope", &Source::source_squares);
    add("target_square", Type::float64, {rank}, "", "the same of target points",
        &Source::target_squares);
  }
  add_plan_columns(
      columns_, layout_, true, d, job.solution, [](Source & from) -> auto& { return from.plan; });
  const auto set = [&](const char* name, auto value) {
    layout_.attributes.push_back({"/solution", name, std::move(value)});
  };
  set("population", population_name);
  set("problem", word_of(ProblemKind::low_rank));
  set("geometry", population.fingerprint());
  set("objective", word_of(job.low_rank.objective));
  set("rank", rank);
  set("seed", job.seed);
  set("threshold", job.solver.threshold);
  set("normalize", std::int64_t{job.solver.normalize});
  layout_.add_status_words();
}

SolutionTable LowRankSchema::table(LowRankSolutions solutions) const {
  return columns_.take(std::move(solutions));
}

std::string low_rank_identity(const Job& job, const std::string& content) {
  return nlohmann::json({{"content", content},
                         {"objective", word_of(job.low_rank.objective)},
                         {"rank", job.low_rank.rank},
                         {"threshold", job.solver.threshold},
                         {"max_iterations", job.solver.max_iterations},
                         {"normalize", job.solver.normalize},
                         {"divergence", job.solution.divergence},
                         {"projection", job.solution.projection},
                         {"seed", job.seed}})
      .dump();
}

}  // namespace otfleet
