#include "src/families/problem_options.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cmath>

#include "distributed/error.hpp"
#include "src/config/checks.hpp"
#include "src/job.hpp"
#include "src/populations/ground_cost.hpp"

namespace otfleet {
namespace {

/// Its inverse, and its products with logarithms, are to be numbers, too.
std::string epsilon_in_range(double value) {
  if (const auto wrong = checks::above_zero(value); !wrong.empty()) return wrong;
  return value >= 1e-300 && value <= 1e300 ? "" : "must be between 1e-300 and 1e300";
}

constexpr const char* least_action_word = "least_action";

ChoiceField cost_choice(ProblemOptions& problem) {
  auto words = ground_cost_names();
  words.insert(words.end(), {cost_word({}), least_action_word});
  const auto read = [&problem] { return cost_word_of(problem); };
  const auto write = [&problem](const std::string& word) {
    const auto found = kernels::find_ground_cost(word);
    if (!found && word != cost_word({}) && word != least_action_word) return false;
    problem.cost = found;
    problem.least_action = word == least_action_word;
    return true;
  };
  return {std::move(words), read, write};
}

}  // namespace

std::string cost_word_of(const ProblemOptions& problem) {
  return problem.least_action ? least_action_word : cost_word(problem.cost);
}

void add_keys(KeyList& keys, ProblemOptions& problem) {
  using namespace checks;
  keys.add("kind", problem.kind, problem_kind_doc);
  keys.add("geometry", problem.geometry,
           "of what make builds: grid, dense (a stored cost matrix) or points (costs computed on "
           "the fly), or clouds (every measure has points of its own). Other commands read it, the "
           "cost and the power from the population, and refuse a job that says otherwise");
  keys.add("cost", cost_choice(problem),
           fmt::format("between points, of what make builds: {}; matrix: data.cost, dense only; "
                       "least_action: the same, of what paths between data.points cost "
                       "([lagrangian], [path]); a grid has squared_euclidean",
                       fmt::join(ground_cost_names(), ", ")));
  for (const auto& cost : kernels::all_ground_costs())
    for_each_parameter(cost, [&](const kernels::ParameterFacts& facts, double usual) {
      double& value = problem.cost_parameters.try_emplace(facts.name, usual).first->second;
      const auto check = [facts](double asked) -> std::string {
        if (!std::isfinite(asked)) return "must be finite";
        return allows(facts, asked) ? "" : std::string("must be ") + facts.range;
      };
      keys.add(facts.name, value, check, facts.doc);
    });
  keys.add("epsilon", problem.epsilon, epsilon_in_range,
           "entropic regularization, in units of the cost unless problem.epsilon_relative says "
           "otherwise; not set: 0.05 times the mean of the cost");
  keys.add("epsilon_relative", problem.epsilon_relative,
           "what problem.epsilon is a multiple of: the mean, max, median or std (standard "
           "deviation) of the cost over all pairs of points; none: it is absolute, as wherever "
           "problem.epsilon alone is set");
  keys.add("tau_a", problem.tau_a, share,
           "rho/(rho + epsilon) of the penalty rho KL(P1 | a); 1: the marginal is exact");
  keys.add("tau_b", problem.tau_b, share, "the same for the target's marginal");
  keys.add("transported_share", problem.transported_share, share_or_none,
           "share of the smaller mass to transport, under both marginals; 0: no such constraint");
}

void settle_epsilon(ProblemOptions& problem, const std::set<std::string>& given,
                    const std::string& file) {
  if (given.contains("problem.epsilon_relative")) {
    if (problem.epsilon_relative == CostStatistic::none && !given.contains("problem.epsilon"))
      throw UserError(file + ": problem.epsilon_relative = 'none' needs problem.epsilon");
  } else if (given.contains("problem.epsilon")) {
    problem.epsilon_relative = CostStatistic::none;
  }
}

std::string problem_complaint(const Job& job) {
  const auto& problem = job.problem;
  if (problem.geometry != GeometryKind::dense && !problem.cost)
    return fmt::format("problem.cost = '{}' needs problem.geometry = 'dense'",
                       cost_word_of(problem));
  if (problem.transported_share > 0 && (problem.tau_a != 1 || problem.tau_b != 1))
    return "problem.transported_share goes with problem.tau_a = problem.tau_b = 1 only";
  return {};
}

}  // namespace otfleet
