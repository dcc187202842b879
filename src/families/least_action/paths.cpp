#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "distributed/error.hpp"
#include "kernels/api/paths.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/families/least_action/least_action_family.hpp"
#include "src/families/least_action/path_ends.hpp"
#include "src/families/least_action/path_predictor.hpp"
#include "src/families/neural_dual/conjugate_solver.hpp"
#include "src/memory/available_memory.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solution_columns.hpp"
#include "src/runs/solve_memory.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

/// What is known about some paths, as the columns have it.
struct SolvedPaths {
  std::vector<double> from, to, path, action, minimized_action, straight_action, lower_bound,
      residual;
  std::vector<std::int32_t> start, iterations, status;
};

/// What solutions depend on; `content` says which points.
std::string path_identity(const Job& job, const std::string& content) {
  const nlohmann::json resolved = job.resolved();
  nlohmann::json identity = {{"content", content}};
  for (const char* key : {"problem", "lagrangian", "path"}) identity[key] = resolved[key];
  return identity.dump();
}

class PathProblems final : public ProblemSet {
 public:
  PathProblems(const CommandContext& context, Report& report) : job_(context.job) {
    const auto& communicator = context.communicator;
    std::string fingerprint;
    {
      const PhaseTimer timer(report, "read");
      communicator.agree([&] {
        lagrangian_ = read_lagrangian(job_.lagrangian);
        ends_ = read_path_ends(context, lagrangian_);
        if (communicator.is_root()) fingerprint = ends_.fingerprint() + fingerprint_of(lagrangian_);
      });
    }
    fingerprint = communicator.broadcast(fingerprint);
    const std::string geometry = fingerprint;
    if (job_.path.initializer == PathInitializer::model)
      communicator.agree([&] {
        const auto checkpoint =
            find_input(context, job_.files.checkpoint, "files.checkpoint", "train", "model.h5");
        model_ = read_path_predictor(checkpoint,
                                     describe_path_predictor(job_, lagrangian_, ends_.dimension));
        fingerprint += read_checksum(checkpoint);
      });
    file = ends_.file;
    identity = path_identity(job_, fingerprint);
    method = "lbfgs";
    reason = "lagrangian.name = '" + job_.lagrangian.name + "'";
    shard_reason = "every rank takes paths of its own";
    declare(geometry);
    constexpr std::int64_t paths_of_block = 16384;
    constexpr std::int64_t first_minimizations = 192;  // a path may take a second
    first_problems = std::max<std::int64_t>(1, first_minimizations / job_.path.starts);
    most_problems = paths_of_block;
  }

  void prepare() override {
    solver_.emplace(lagrangian_, static_cast<int>(ends_.dimension), job_.path.settings());
  }

  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl&) override {
    const StopWatch watch(seconds.iterate);
    SolvedPaths solved;
    solved.from = ends_.from_points(rows);
    solved.to = ends_.to_points(rows);
    std::vector<double> predicted;
    if (model_) predicted = model_->predict(solved.from, solved.to);
    auto result = solver_->solve(solved.from, solved.to, {.nodes = job_.path.save}, predicted);
    const auto d = static_cast<std::size_t>(ends_.dimension);
    for (std::size_t k = 0; k < result.fine.size(); ++k)
      solved.lower_bound.push_back(least_action_bound(
          lagrangian_, &solved.from[k * d], &solved.to[k * d], static_cast<int>(ends_.dimension)));
    solved.path = std::move(result.nodes);
    solved.action = std::move(result.fine);
    solved.minimized_action = std::move(result.action);
    solved.straight_action = std::move(result.straight);
    solved.residual = std::move(result.residual);
    solved.start.assign(result.start.begin(), result.start.end());
    solved.iterations.assign(result.steps.begin(), result.steps.end());
    solved.status.assign(result.status.begin(), result.status.end());
    SolutionTable table = columns_.take(std::move(solved));
    table.counters.assign(layout.counters.size(), 0);
    const int first = model_ ? kernels::predicted_start : 0;
    for (const int start : result.start) ++table.counters[static_cast<std::size_t>(start - first)];
    return table;
  }

  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["max_residual"] = tally.max_error;
    for (std::size_t k = 0; k < layout.counters.size(); ++k)
      figures["starts"][layout.counters[k]] = tally.counters[k];
  }
  std::string complaint(const StatusCounts& statuses) const override {
    const std::int64_t failed = statuses.total() - statuses.converged();
    if (failed == 0) return {};
    return fmt::format(
        "{} of {} paths did not converge to path.tolerance = {:g}; raise path.max_steps, or "
        "path.points where walls are thin",
        failed, statuses.total(), job_.path.tolerance);
  }
  const char* items() const override { return "paths"; }
  const char* error_name() const override { return "residual"; }

 private:
  void declare(const std::string& geometry) {
    layout.problems = ends_.paths();
    layout.error = "/solution/residual";
    layout.upper = "/solution/action";
    layout.lower = "/solution/lower_bound";
    // With a prediction in front, the straight line is there where nothing is better.
    if (model_) layout.counters.emplace_back("predicted");
    const std::int64_t others = std::max<std::int64_t>(1, job_.path.starts - (model_ ? 1 : 0));
    for (std::int64_t k = 0; k < others; ++k)
      layout.counters.push_back(k == 0 ? "straight" : fmt::format("bow_{}", k));
    const auto add = [&](const char* name, ColumnType type, std::vector<std::int64_t> shape,
                         const char* unit, const char* meaning, auto member) {
      columns_.add(
          layout, {std::string("/solution/") + name, 0, type, std::move(shape), unit, meaning},
          [member](SolvedPaths & solved) -> auto& { return solved.*member; });
    };
    const auto number = ColumnType::float64;
    const std::int64_t d = ends_.dimension;
    add("from", number, {d}, "", "where the path begins", &SolvedPaths::from);
    add("to", number, {d}, "", "where it ends", &SolvedPaths::to);
    if (job_.path.save)
      add("path", number, {job_.path.nodes, d}, "",
          "places of its nodes; a natural cubic spline goes through them", &SolvedPaths::path);
    add("action", number, {}, "action", "of the path, on ten times finer points",
        &SolvedPaths::action);
    add("minimized_action", number, {}, "action", "the sum that was minimized",
        &SolvedPaths::minimized_action);
    add("straight_action", number, {}, "action", "of the straight line",
        &SolvedPaths::straight_action);
    add("lower_bound", number, {}, "action", "no path has less", &SolvedPaths::lower_bound);
    add("residual", number, {}, "", "norm of the gradient at the path", &SolvedPaths::residual);
    add("start", ColumnType::int32, {}, "",
        "0: the straight line led here; -1: the prediction; else which bow", &SolvedPaths::start);
    add("iterations", ColumnType::int32, {}, "", "steps made from all starts",
        &SolvedPaths::iterations);
    add("status", ColumnType::int32, {}, "", "how it ended; attributes status_0 ... name it",
        &SolvedPaths::status);
    const auto set = [&](const std::string& name, auto value) {
      layout.attributes.push_back({"/solution", name, std::move(value)});
    };
    set("population", file.filename().string());
    set("geometry", geometry);
    set("lagrangian", description_of(lagrangian_));
    set("points", job_.path.points);
    set("tolerance", job_.path.tolerance);
    add_conjugate_statuses(layout);
  }

  const Job& job_;
  kernels::Lagrangian lagrangian_;
  PathEnds ends_;
  std::unique_ptr<PathPredictor> model_;  ///< null: nothing predicts paths
  std::optional<kernels::PathSolver> solver_;
  SolutionColumns<SolvedPaths> columns_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_paths(const CommandContext& context, Report& report) {
  return std::make_unique<PathProblems>(context, report);
}

}  // namespace otfleet
