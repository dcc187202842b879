#include "src/families/linear/solutions.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "kernels/problems/status.hpp"
#include "src/families/linear/pair_layout.hpp"
#include "src/runs/append.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {

using kernels::Status;

namespace {

/// Of potentials of problem k, where any are kept.
bool has_nan(const std::vector<double>& potentials, std::size_t k, std::size_t problems,
             const std::vector<std::int64_t>& offsets) {
  const std::size_t length = potentials.size() / problems;
  const auto begin = offsets.empty() ? k * length : static_cast<std::size_t>(offsets[k]);
  const auto end = offsets.empty() ? begin + length : static_cast<std::size_t>(offsets[k + 1]);
  return !potentials.empty() && std::any_of(potentials.begin() + begin, potentials.begin() + end,
                                            [](double potential) { return std::isnan(potential); });
}

std::string fingerprint_of(const PopulationView& population) {
  const auto* shared = population.shared_points();
  return shared != nullptr ? shared->geometry.fingerprint() : population.clouds()->fingerprint();
}

}  // namespace

LinearSchema::LinearSchema(const Job& job, const PopulationView& population,
                           const std::string& population_name)
    : layout_(pair_layout(population)) {
  using enum PairRows;
  using Type = ColumnType;
  const SolutionOptions& wanted = job.solution;
  const bool balanced = job.problem.balanced();
  const bool own_points = population.clouds() != nullptr;
  layout_.counters = {"newton", "replaced_starts"};
  const auto add = [&](const char* name, PairRows rows, Type type, std::vector<std::int64_t> shape,
                       const char* unit, const char* meaning, auto member) {
    columns_.add(layout_,
                 {std::string("/solution/") + name, static_cast<std::size_t>(rows), type,
                  std::move(shape), unit, meaning},
                 member);
  };
  const auto number = [&](const char* name, const char* unit, const char* meaning, auto member) {
    add(
        name, problem, Type::float64, {}, unit,
        meaning, [member](Solutions & s) -> auto& { return s.*member; });
  };
  if (wanted.potentials) {
    add(
        "f", source_point, Type::float64, {}, "cost", "potential; -inf where there is no weight",
        [](Solutions & s) -> auto& { return s.f; });
    add(
        "g", target_point, Type::float64, {}, "cost", "potential; -inf where there is no weight",
        [](Solutions & s) -> auto& { return s.g; });
  }
  number("dual_value", "cost * mass", "value of the regularized dual", &Solutions::dual_value);
  number("transport_cost", "cost * mass", "cost of the plan", &Solutions::transport_cost);
  if (balanced) {
    number("upper_bound", "cost * mass", "not below the unregularized optimum",
           &Solutions::upper_bound);
    number("lower_bound", "cost * mass", "not above the unregularized optimum",
           &Solutions::lower_bound);
    number("marginal_error", "share of the mass", "L1 distance of the plan's marginal",
           &Solutions::marginal_error);
    if (own_points)
      number("left_out", "share of the mass", "at most, of the plan, in blocks that were left out",
             &Solutions::left_out);
    layout_.error = "/solution/marginal_error";
    layout_.upper = "/solution/upper_bound";
    layout_.lower = "/solution/lower_bound";
  } else {
    number("primal_value", "cost * mass", "value of the regularized primal",
           &Solutions::primal_value);
    number("transported_mass", "mass", "mass of the plan", &Solutions::transported_mass);
    number("mass_potential", "cost", "derivative of the value by the transported mass",
           &Solutions::mass_potential);
    number("residual", "share of the transported mass", "violation of the optimality conditions",
           &Solutions::residual);
    layout_.error = "/solution/residual";
    layout_.upper = "/solution/primal_value";
    layout_.lower = "/solution/dual_value";
  }
  if (wanted.divergence)
    number("divergence", "cost * mass", "debiased Sinkhorn divergence", &Solutions::divergence);
  if (wanted.has_value(ValueConvention::ott))
    number("regularized_ott", "cost * mass", "regularized value as OTT-JAX defines it",
           &Solutions::regularized_ott);
  if (wanted.has_value(ValueConvention::geomloss))
    number("regularized_geomloss", "cost * mass", "regularized value as GeomLoss defines it",
           &Solutions::regularized_geomloss);
  add(
      "iterations", problem, Type::int32, {}, "", "iterations made",
      [](Solutions & s) -> auto& { return s.iterations; });
  add(
      "status", problem, Type::int32, {}, "", "how it ended; attributes status_0 ... name it",
      [](Solutions & s) -> auto& { return s.status; });
  add_plan_columns(
      columns_, layout_, own_points, population.geometry().coordinates, wanted,
      [](Solutions & s) -> auto& { return s.plan; });
  const auto set = [&](const char* name, auto value) {
    layout_.attributes.push_back({"/solution", name, std::move(value)});
  };
  set("population", population_name);
  set("geometry", fingerprint_of(population));
  set("epsilon", job.problem.epsilon);
  set("tau_a", job.problem.tau_a);
  set("tau_b", job.problem.tau_b);
  set("transported_share", job.problem.transported_share);
  set("threshold", job.solver.threshold);
  set("normalize", std::int64_t{job.solver.normalize});
  set("initializer", job.solver.initializer);
  set("precision", word_of(job.solver.precision));
  layout_.add_status_words();
  set_plan_attributes(wanted, layout_);
}

SolutionTable LinearSchema::table(Solutions solutions) const {
  const SolveCounts counts = solutions.counts;
  SolutionTable table = columns_.take(std::move(solutions));
  table.counters = {counts.newton, counts.replaced_starts};
  return table;
}

std::string linear_identity(const Job& job, const std::string& content) {
  const nlohmann::json resolved = job.resolved();
  nlohmann::json identity = {{"content", content}};
  for (const char* key : {"problem", "solver", "fine_tune", "solution"})
    identity[key] = resolved[key];
  if (job.fine_tune.steps > 0) identity["seed"] = resolved["seed"];
  for (const char* key : {"checkpoint_seconds", "shard"}) identity["solver"].erase(key);
  for (const char* key : {"csv", "picture"}) identity["solution"].erase(key);
  return identity.dump();
}

void Solutions::add(const Batch& batch, double epsilon, const SolutionOptions& wanted,
                    SolveSeconds& seconds, double most_left_out) {
  const kernels::CertificateResult found(batch.size());
  DeviceArray<double> g;
  {
    const StopWatch watch(seconds.certify);
    if (wanted.potentials || wants_plan(wanted))
      g = DeviceArray<double>("otfleet::solver::g",
                              static_cast<std::size_t>(batch.problems.target_offsets().back()));
    kernels::certify(batch.problems, epsilon, batch.f, g, found, most_left_out);
  }
  {
    const StopWatch watch(seconds.plan);
    append_plan_outputs(plan, batch.problems, epsilon, batch.f, g, wanted);
  }
  if (wanted.potentials) {
    append(f, batch.f);
    append(this->g, g);
  }
  append(dual_value, found.dual_value);
  append(transport_cost, found.transport_cost);
  append(upper_bound, found.upper_bound);
  append(lower_bound, found.lower_bound);
  append(marginal_error, found.marginal_error);
  append(left_out, found.left_out);
  append(iterations, batch.progress.iterations);
  append(status, batch.progress.status);
}

void Solutions::add(const kernels::UnbalancedResult& result, const SolutionOptions& wanted,
                    const std::vector<std::int32_t>& more_iterations,
                    const std::vector<std::int32_t>& more_status) {
  if (wanted.potentials) {
    append(f, result.f);
    append(g, result.g);
  }
  append(dual_value, result.dual_value);
  append(primal_value, result.primal_value);
  append(transport_cost, result.transport_cost);
  append(transported_mass, result.transported_mass);
  append(mass_potential, result.mass_potential);
  append(residual, result.residual);
  iterations.insert(iterations.end(), more_iterations.begin(), more_iterations.end());
  status.insert(status.end(), more_status.begin(), more_status.end());
}

void Solutions::set_status(double threshold, const std::vector<std::int64_t>& source_offsets,
                           const std::vector<std::int64_t>& target_offsets) {
  const std::size_t problems = status.size();
  for (std::size_t k = 0; k < problems; ++k) {
    bool finite =
        !has_nan(f, k, problems, source_offsets) && !has_nan(g, k, problems, target_offsets);
    for (const auto figures :
         {&dual_value, &transport_cost, &upper_bound, &lower_bound, &marginal_error})
      finite = finite && std::isfinite((*figures)[k]);
    const auto why = static_cast<Status>(status[k]);
    status[k] =
        static_cast<std::int32_t>(kernels::final_status(why, marginal_error[k], threshold, finite));
  }
}

}  // namespace otfleet
