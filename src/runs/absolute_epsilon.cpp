#include "src/runs/absolute_epsilon.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <cmath>

#include "distributed/error.hpp"
#include "src/families/family.hpp"
#include "src/runs/input_files.hpp"

namespace otfleet {
namespace {

/// The population whose cost epsilon refers to.
std::filesystem::path population_of(const CommandContext& context, bool trains) {
  const auto& files = context.job.files;
  return trains ? find_input(context, files.train_population, "files.train_population", "make",
                             "train.h5")
                : find_input(context, files.test_population, "files.test_population", "make",
                             "test.h5");
}

}  // namespace

void make_epsilon_absolute(const CommandContext& context, const std::string& command, Job& job) {
  auto& problem = job.problem;
  const auto statistic_of = family_of(job).cost_statistic;
  if (statistic_of == nullptr || problem.epsilon_relative == CostStatistic::none ||
      command == "make" || (command == "solve" && job.maps_by_plans()))
    return;
  const bool trains =
      command == "train" || (command == "scale" && !job.scale.measures(ScaledCommand::solve));
  double statistic = 0;
  context.communicator.agree([&] {
    if (!context.communicator.is_root()) return;
    const auto file = population_of(context, trains);
    statistic = statistic_of(file, context.job);
    // Where no pair costs anything, or there is none, any unit will do.
    if (statistic == 0 || std::isnan(statistic)) statistic = 1;
    if (!(statistic > 0) || !std::isfinite(statistic * problem.epsilon))
      throw UserError(fmt::format(
          "{}: the {} of the cost is {:g}, of which problem.epsilon cannot be a multiple; set "
          "problem.epsilon in units of the cost, with problem.epsilon_relative = 'none'",
          file.string(), word_of(problem.epsilon_relative), statistic));
  });
  context.communicator.broadcast({&statistic, 1});
  problem.given = {problem.epsilon, problem.epsilon_relative, statistic};
  problem.epsilon *= statistic;
  problem.epsilon_relative = CostStatistic::none;
  if (context.prints())
    spdlog::info("epsilon = {:.6g}: {:g} times the {} of the cost, {:.6g}", problem.epsilon,
                 problem.given.epsilon, word_of(problem.given.to), statistic);
}

}  // namespace otfleet
