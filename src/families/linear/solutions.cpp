#include "src/families/linear/solutions.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "kernels/problems/status.hpp"
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

/// The spaces of every layout here, in this order.
enum Space : std::size_t { problem, source_point, target_point, plan_entry, plan_row };

constexpr const char* status_words[] = {"converged", "iteration limit", "precision limit",
                                        "not finite"};

std::vector<RowSpace> row_spaces() {
  std::vector<RowSpace> spaces(5);
  spaces[problem].name = "problem";
  spaces[source_point].name = "source point";
  spaces[target_point].name = "target point";
  spaces[plan_entry].name = "plan entry";
  spaces[plan_entry].counted = true;
  spaces[plan_row].name = "plan row";
  return spaces;
}

SolutionLayout layout_of(const PopulationView& population) {
  SolutionLayout layout;
  layout.problems = population.problems();
  layout.spaces = row_spaces();
  const auto sources = population.sources(), targets = population.targets();
  layout.references = {{"/problems/source", {sources.begin(), sources.end()}},
                       {"/problems/target", {targets.begin(), targets.end()}}};
  auto &from = layout.spaces[source_point], &to = layout.spaces[target_point];
  if (const auto* shared = population.shared_points()) {
    from.per_problem = shared->geometry.n;
    to.per_problem = shared->geometry.m;
    return layout;
  }
  from.offsets_dataset = "/solution/f_offsets";
  to.offsets_dataset = "/solution/g_offsets";
  from.offsets = to.offsets = {0};
  for (std::int64_t k = 0; k < layout.problems; ++k) {
    from.offsets.push_back(from.offsets.back() + population.source_points(k));
    to.offsets.push_back(to.offsets.back() + population.target_points(k));
  }
  // One more than there are source points: where the last one's entries end.
  auto& rows = layout.spaces[plan_row];
  rows.offsets_dataset = "/plan/row_offsets";
  for (std::size_t k = 0; k < from.offsets.size(); ++k)
    rows.offsets.push_back(from.offsets[k] + static_cast<std::int64_t>(k));
  return layout;
}

std::string fingerprint_of(const PopulationView& population) {
  const auto* shared = population.shared_points();
  return shared != nullptr ? shared->geometry.fingerprint() : population.clouds()->fingerprint();
}

}  // namespace

LinearSchema::LinearSchema(const Job& job, const PopulationView& population,
                           const std::string& population_name)
    : layout_(layout_of(population)) {
  using Type = ColumnType;
  const SolutionOptions& wanted = job.solution;
  const bool balanced = job.problem.balanced();
  const bool own_points = population.clouds() != nullptr;
  layout_.counters = {"newton", "replaced_starts"};
  const auto add = [&](const char* name, Space space, Type type, std::vector<std::int64_t> shape,
                       const char* unit, const char* meaning, auto member) {
    columns_.add(layout_,
                 {std::string("/solution/") + name, space, type, std::move(shape), unit, meaning},
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
  if (wanted.projection)
    add(
        "projection", source_point, Type::float64, {population.geometry().coordinates}, "",
        "mean target point of each source point",
        [](Solutions & s) -> auto& { return s.plan.projection; });
  if (wants_entries(wanted)) {
    columns_.add(
        layout_,
        {"/plan/offsets", own_points ? plan_row : problem, Type::int64,
         own_points ? std::vector<std::int64_t>()
                    : std::vector<std::int64_t>{layout_.spaces[source_point].per_problem + 1},
         "", "where the entries of each source point begin", plan_entry},
        [](Solutions & s) -> auto& { return s.plan.entries.offsets; });
    columns_.add(
        layout_,
        {"/plan/kept_mass",
         problem,
         Type::float64,
         {},
         "share of the plan's mass",
         "of the entries that are kept"},
        [](Solutions & s) -> auto& { return s.plan.entries.kept_mass; });
    columns_.add(
        layout_, {"/plan/columns", plan_entry, Type::int32, {}, "", "target point"},
        [](Solutions & s) -> auto& { return s.plan.entries.columns; });
    columns_.add(
        layout_, {"/plan/values", plan_entry, Type::float64, {}, "mass", "of the entry"},
        [](Solutions & s) -> auto& { return s.plan.entries.values; });
  }
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
  for (int k = 0; k < 4; ++k)
    layout_.attributes.push_back(
        {"/solution", "status_" + std::to_string(k), std::string(status_words[k])});
  if (!wants_entries(wanted)) return;
  layout_.attributes.push_back({"/plan", "rule", word_of(wanted.plan)});
  if (wanted.plan == PlanRule::top_k)
    layout_.attributes.push_back({"/plan", "top_k", wanted.top_k});
  else
    layout_.attributes.push_back({"/plan", "threshold", wanted.plan_threshold});
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
