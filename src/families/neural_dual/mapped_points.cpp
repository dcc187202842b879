#include "src/families/neural_dual/mapped_points.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "distributed/error.hpp"
#include "src/data/array_file.hpp"
#include "src/data/fingerprint.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/families/neural_dual/conjugate_solver.hpp"
#include "src/families/neural_dual/neural_dual_checkpoint.hpp"
#include "src/families/neural_dual/point_mapper.hpp"
#include "src/families/neural_dual/samplers/job_samplers.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solution_columns.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

/// What solutions depend on; `content` says which points and which model.
std::string identity_of(const Job& job, const std::string& content) {
  const nlohmann::json resolved = job.resolved();
  nlohmann::json identity = {{"content", content}};
  for (const char* key : {"problem", "conjugate"}) identity[key] = resolved[key];
  identity["direction"] = resolved["map"]["direction"];
  return identity.dump();
}

class MappedPointsProblems final : public ProblemSet {
 public:
  MappedPointsProblems(const CommandContext& context, Report& report) : job_(context.job) {
    const auto& communicator = context.communicator;
    std::string fingerprint, checksum;
    {
      const PhaseTimer timer(report, "read");
      communicator.agree([&] {
        const auto checkpoint =
            find_input(context, job_.files.checkpoint, "files.checkpoint", "train", "model.h5");
        points_ = job_.map.points.empty() ? drawn_points() : read_points(job_.map.points, "point");
        model_.emplace(read_neural_dual(checkpoint, job_, points_.shape[1]));
        cost_ = read_least_action_cost(job_);
        if (cost_)
          require_points_for(job_.map.points.empty() ? "[samples]" : name_of(job_.map.points),
                             cost_->lagrangian, points_.values, points_.shape[1]);
        checksum = read_checksum(checkpoint);
        if (!communicator.is_root()) return;
        Fnv hash;
        hash.add(points_.shape);
        hash.add(points_.values);
        fingerprint = hash.digits();
      });
    }
    fingerprint = communicator.broadcast(fingerprint);
    file = job_.map.points.empty() ? context.job_file : job_.map.points.file;
    identity = identity_of(job_, fingerprint + " " + checksum);
    if (cost_) identity += job_.resolved()["path"].dump();
    method = job_.map.direction == model_->gradient_direction() ? "gradient"
                                                                : word_of(job_.conjugate.solver);
    reason = "map.direction = '" + word_of(job_.map.direction) + "'";
    shard_reason = "every rank takes points of its own";
    declare(fingerprint);
    first_problems = std::min<std::int64_t>(1024, layout.problems);
    most_problems = 16384;
  }

  void prepare() override {
    mapper_.emplace(*model_, job_.conjugate, cost_);
    if (cost_) paths_.emplace(cost_->lagrangian, static_cast<int>(points_.shape[1]), cost_->path);
  }

  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl&) override {
    const StopWatch watch(seconds.iterate);
    const std::int64_t dimension = points_.shape[1];
    const auto points = std::span<const double>(points_.values)
                            .subspan(static_cast<std::size_t>(rows.begin * dimension),
                                     static_cast<std::size_t>(rows.size() * dimension));
    Solved solved{mapper_->map(points, job_.map.direction), {}};
    if (paths_)
      solved.path = paths_->solve(points, solved.mapped.image, {.nodes = true}, solved.mapped.path);
    std::vector<std::int64_t> starts(layout.counters.size(), 0);
    for (const std::int32_t end : solved.mapped.end) ++starts[end < 0 ? 0 : 1];
    for (const std::int32_t bow : solved.mapped.bow)
      ++starts[static_cast<std::size_t>(2 + bow - first_start())];
    SolutionTable table = columns_.take(std::move(solved));
    table.counters = std::move(starts);
    return table;
  }

  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["max_residual"] = tally.max_error;
    for (std::size_t k = 0; k < layout.counters.size(); ++k)
      figures["starts"][layout.counters[k]] = tally.counters[k];
  }
  std::string complaint(const StatusCounts& statuses) const override {
    return map_complaint(statuses, job_);
  }
  const char* items() const override { return "points"; }
  const char* error_name() const override { return "residual"; }

 private:
  /// Samples of the source, where paths are to be seen.
  Array drawn_points() const {
    if (!job_.lagrangian.bends())
      throw UserError(
          "otfleet solve with problem = 'neural_dual': map.points.file names no points");
    const auto samplers = make_samplers(job_, SampleUse::evaluate);
    Array drawn;
    drawn.shape = {job_.path.draws, samplers.source->dimension()};
    drawn.values.resize(static_cast<std::size_t>(drawn.shape[0] * drawn.shape[1]));
    samplers.source->fill(0, job_.path.draws, drawn.values.data());
    return drawn;
  }

  /// The number of a path's first start.
  std::int64_t first_start() const {
    return cost_ && cost_->predicts ? kernels::predicted_start : 0;
  }

  /// What there is of some points.
  struct Solved {
    MappedPoints mapped;
    kernels::PathResult path;  ///< from the points to their images, for a least-action cost
  };

  void declare(const std::string& fingerprint) {
    layout.problems = points_.shape[0];
    layout.error = "/solution/residual";
    const auto add = [&](const char* name, ColumnType type, std::vector<std::int64_t> shape,
                         const char* meaning, auto member) {
      columns_.add(
          layout, {std::string("/solution/") + name, 0, type, std::move(shape), "", meaning},
          [member](Solved & solved) -> auto& { return solved.mapped.*member; });
    };
    const auto add_of_path = [&](const char* name, std::vector<std::int64_t> shape,
                                 const char* meaning, auto member) {
      columns_.add(
          layout,
          {std::string("/solution/") + name, 0, ColumnType::float64, std::move(shape), "action",
           meaning},
          [member](Solved & solved) -> auto& { return solved.path.*member; });
    };
    const auto number = ColumnType::float64;
    add("image", number, {points_.shape[1]}, "where the point goes", &MappedPoints::image);
    add("value", number, {}, "of the potential or of its conjugate, the dual's terms",
        &MappedPoints::value);
    add("residual", number, {}, "|grad f(x) - y| at the conjugate's minimizer",
        &MappedPoints::residual);
    add("round_trip", number, {}, "distance from where the other map takes the image",
        &MappedPoints::round_trip);
    add("iterations", ColumnType::int32, {}, "iterations made", &MappedPoints::iterations);
    add("status", ColumnType::int32, {}, "how it ended; attributes status_0 ... name it",
        &MappedPoints::status);
    if (cost_) {
      add_of_path("action", {}, "of the path to the image, on ten times finer points",
                  &kernels::PathResult::fine);
      add_of_path("path", {job_.path.nodes, points_.shape[1]},
                  "places of its nodes; a natural cubic spline goes through them",
                  &kernels::PathResult::nodes);
      add("end", ColumnType::int32, {},
          "-1: the search for the image began at the prediction, or at the point where nothing "
          "predicts; else at which sample of the target",
          &MappedPoints::end);
      columns_.add(
          layout,
          {"/solution/start",
           0,
           ColumnType::int32,
           {},
           "",
           "of the path, 0: the straight line led to it, -1: what led to the image; else which "
           "bow"},
          [](Solved & solved) -> auto& { return solved.path.start; });
      layout.counters = {model_->predicts() ? "predicted" : "point", "sample"};
      for (std::int64_t k = first_start(); k < job_.path.starts; ++k)
        layout.counters.push_back(k < 0    ? "predicted_path"
                                  : k == 0 ? "straight"
                                           : fmt::format("bow_{}", k));
    }
    const auto set = [&](const std::string& name, auto value) {
      layout.attributes.push_back({"/solution", name, std::move(value)});
    };
    set("population", file.filename().string());
    set("geometry", fingerprint);
    set("side", word_of(model_->side()));
    add_map_attributes(job_, layout);
  }

  const Job& job_;
  Array points_;  ///< [N, D]
  std::optional<NeuralDual> model_;
  std::optional<kernels::LeastActionCost> cost_;
  std::optional<kernels::PathSolver> paths_;
  std::optional<PointMapper> mapper_;
  SolutionColumns<Solved> columns_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_mapped_points(const CommandContext& context, Report& report) {
  return std::make_unique<MappedPointsProblems>(context, report);
}

}  // namespace otfleet
