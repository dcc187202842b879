#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "distributed/error.hpp"
#include "kernels/problems/status.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/families/sliced/sliced_family.hpp"
#include "src/families/sliced/sliced_schema.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/job_population.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solve_memory.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

constexpr std::int64_t most_problems_of_block = 1024;

/// The p of costs that are |x − y|^p on a line and as much elsewhere, or more, so that no slice
/// costs more than they do; 0: of others.
double power_of_slices(const kernels::GroundCost& cost) {
  const double power =
      kernels::with_ground_cost(cost, [](const auto& typed) { return typed.line_power(); });
  if (!(power >= 1)) return 0;
  const double origin[] = {0, 0}, corner[] = {1, 1};
  return ground_cost(cost, origin, corner, 2) >= std::pow(2, power / 2) * (1 - 1e-9) ? power : 0;
}

class SlicedProblemSet final : public ProblemSet {
 public:
  SlicedProblemSet(const CommandContext& context, Report& report) : job_(context.job) {
    const auto& communicator = context.communicator;
    const PhaseTimer timer(report, "read");
    communicator.agree([&, neighbors = communicator.ranks_on_machine()] {
      file = find_input(context, job_.files.test_population, "files.test_population", "make",
                        "test.h5");
      require_clouds(job_, file);
      require_solve_memory(file, job_, neighbors);
      population_ = read_job_clouds(job_, file);
      power_ = power_of_slices(population_.ground_cost);
      const auto has_slices = [](const kernels::GroundCost& cost) {
        return power_of_slices(cost) > 0;
      };
      if (!(power_ > 0))
        throw UserError(fmt::format(
            "{}: the cost '{}' has no slices, which cost no more than it; those that have are {}",
            file.string(), population_.cost_name(),
            fmt::join(ground_cost_names(has_slices), ", ")));
    });
    directions_ = kernels::random_directions(static_cast<int>(job_.sliced.directions),
                                             static_cast<int>(population_.dimension),
                                             static_cast<std::uint64_t>(job_.seed));
    limit_blocks();
    schema_.emplace(job_, population_, file.filename().string());
    layout = schema_->layout();
    identity = sliced_identity(
        job_,
        communicator.broadcast(communicator.is_root() ? population_.content_fingerprint() : ""));
    method = "sorting along directions";
    reason = "transport on a line is sorting";
    shard_reason = "a problem is one rank's";
  }

  double work(Shard rows) const override {
    double sum = 0;
    for (std::int64_t k = rows.begin; k < rows.end; ++k)
      sum += static_cast<double>(population_.source_points(k) + population_.target_points(k));
    return sum;
  }

  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl& /*control*/) override {
    const StopWatch watch(seconds.iterate);
    const auto first = static_cast<std::size_t>(rows.begin),
               count = static_cast<std::size_t>(rows.size());
    kernels::MaxSlicedSettings settings;
    settings.starts = static_cast<int>(job_.sliced.starts);
    settings.steps = static_cast<int>(job_.sliced.steps);
    settings.threshold = job_.solver.threshold;
    const auto& targets = population_.target_table();
    auto results = with_population_named(file, [&] {
      return kernels::sliced_distances(
          {static_cast<int>(population_.dimension),
           power_,
           {population_.sources.weights, population_.sources.points, population_.sources.offsets},
           {targets.weights, targets.points, targets.offsets},
           std::span(population_.source).subspan(first, count),
           std::span(population_.target).subspan(first, count)},
          directions_, settings);
    });
    for (std::size_t k = 0; k < count; ++k) {
      const double mass = population_.sources.mass(population_.source[first + k]);
      for (auto* figures :
           {&results.sliced, &results.sliced_error, &results.max_sliced, &results.bound})
        (*figures)[k] *= mass;
    }
    return schema_->table(std::move(results));
  }

  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["max_residual"] = tally.max_error;
    figures["max_relative_gap"] = tally.max_gap;
    figures["directions"] = job_.sliced.directions;
  }
  std::string complaint(const StatusCounts& statuses) const override {
    const auto limited = statuses[static_cast<int>(kernels::Status::iteration_limit)];
    if (limited == 0) return {};
    return fmt::format(
        "{} problems reached the limit of steps: try more steps (sliced.steps, now {}) or a larger "
        "solver.threshold (now {:g})",
        limited, job_.sliced.steps, job_.solver.threshold);
  }
  const char* error_name() const override { return "residual"; }

 private:
  /// Blocks are not interrupted: they take about half a second, or one problem, and their
  /// directions fit into memory.
  void limit_blocks() {
    constexpr double points_a_block = 5e7;
    const auto& options = job_.sliced;
    const double evaluations =
                     static_cast<double>(options.directions + (options.starts + 1) * options.steps),
                 numbers = 2 * static_cast<double>(options.directions) +
                           static_cast<double>((options.starts + 1) * population_.dimension);
    double points = 1;
    for (std::int64_t k = 0; k < population_.problems(); ++k)
      points = std::max(
          points, static_cast<double>(population_.source_points(k) + population_.target_points(k)));
    const double at_once =
        std::min(points_a_block / (evaluations * points), most_block_bytes / (8 * numbers));
    most_problems =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(at_once), 1, most_problems_of_block);
    first_problems = std::min<std::int64_t>(16, most_problems);
  }

  const Job& job_;
  CloudPopulation population_;
  double power_ = 2;
  std::vector<double> directions_;
  std::optional<SlicedSchema> schema_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_sliced(const CommandContext& context, Report& report) {
  return std::make_unique<SlicedProblemSet>(context, report);
}

}  // namespace otfleet
