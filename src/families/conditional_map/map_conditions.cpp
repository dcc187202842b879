// Solve: the points of every problem's source, or target, through the maps of a trained model.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

#include "distributed/error.hpp"
#include "src/families/conditional_map/conditional_family.hpp"
#include "src/families/conditional_map/map_inputs.hpp"
#include "src/families/conditional_map/methods/map_method.hpp"
#include "src/families/conditional_map/methods/map_method_facts.hpp"
#include "src/families/conditional_map/problem_maps.hpp"
#include "src/families/conditional_map/recolored_images.hpp"
#include "src/families/neural_dual/conjugate_solver.hpp"
#include "src/models/checkpoint.hpp"
#include "src/runs/solution_columns.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

struct MapSpace {
  enum : std::size_t { problem, point };
};

/// Points of some problems, and numbers of each problem.
struct MappedProblems {
  std::vector<double> image, residual, round_trip;  ///< of points
  std::vector<double> dual_value, max_residual;     ///< of problems
  std::vector<std::int32_t> iterations, status;
};

/// What solutions depend on; `content` says which problems and which model.
std::string conditional_identity(const Job& job, const std::string& content) {
  const nlohmann::json resolved = job.resolved();
  nlohmann::json identity = {{"content", content}};
  for (const char* key : {"problem", "conjugate"}) identity[key] = resolved[key];
  for (const char* key : {"direction", "steps", "images", "method"})
    identity[key] = resolved["map"][key];
  const MapMethodFacts& method = map_method_of(job);
  for (const auto& key : method.keys) identity[key] = resolved["map"][key];
  if (method.draws) identity["seed"] = resolved["seed"];
  if (method.solves) {
    identity["solver"] = resolved["solver"];
    for (const char* key : {"checkpoint_seconds", "shard"}) identity["solver"].erase(key);
  }
  if (job.fine_tune.steps > 0) {
    for (const char* key : {"fine_tune", "seed"}) identity[key] = resolved[key];
    for (const char* key :
         {"optimizer", "beta1", "beta2", "clip", "weight_decay", "schedule", "regularizer",
          "expectile", "regularizer_weight", "conjugate_tolerance"})
      identity["train"][key] = resolved["train"][key];
  }
  return identity.dump();
}

class ConditionalMapProblems final : public ProblemSet {
 public:
  ConditionalMapProblems(const CommandContext& context, Report& report) : job_(context.job) {
    const auto& communicator = context.communicator;
    std::string content;
    {
      const PhaseTimer timer(report, "read");
      communicator.agree([&] {
        inputs_ = read_map_inputs(context);
        file = inputs_.file;
        if (inputs_.model) content = read_checksum(inputs_.checkpoint);
        if (!job_.map.images.empty()) images_.emplace(job_, population_, file, context.output);
        if (communicator.is_root()) content += " " + population_.content_fingerprint();
      });
    }
    identity = conditional_identity(job_, communicator.broadcast(content));
    const bool by_model = map_method_of(job_).needs_model;
    method = !by_model ? job_.map.method : forward() ? "gradient" : word_of(job_.conjugate.solver);
    reason = by_model ? "map.direction = '" + word_of(job_.map.direction) + "'"
                      : "map.method = '" + method + "'";
    shard_reason = "every rank takes problems of its own";
    declare();
    most_problems = 4096;
  }

  void prepare() override { maps_ = make_map_method(population_, inputs_.model.get(), job_); }

  double work(Shard rows) const override {
    const auto& offsets = layout.spaces[MapSpace::point].offsets;
    return static_cast<double>(offsets[rows.end] - offsets[rows.begin]);
  }

  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl&) override {
    const StopWatch watch(seconds.iterate);
    MappedProblems all;
    for (std::int64_t k = rows.begin; k < rows.end; ++k) {
      const auto problem = static_cast<std::int32_t>(k);
      const auto map = maps_->map(problem);
      add(solve_map(population_, problem, *map, maps_->has_potentials(), forward()), all);
      if (images_) images_->write(problem, *map);
    }
    return columns_.take(std::move(all));
  }

  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["max_residual"] = tally.max_error;
    figures["points"] = layout.spaces[MapSpace::point].offsets.back();
  }
  std::string complaint(const StatusCounts& statuses) const override {
    return map_complaint(statuses, job_, items());
  }
  const char* error_name() const override { return "residual"; }

 private:
  bool forward() const { return job_.map.direction == MapDirection::forward; }

  static void add(const SolvedMap& solved, MappedProblems& all) {
    const MappedPoints& mapped = solved.points;
    for (const auto& [from, to] :
         {std::pair{&mapped.image, &all.image}, std::pair{&mapped.residual, &all.residual},
          std::pair{&mapped.round_trip, &all.round_trip}})
      to->insert(to->end(), from->begin(), from->end());
    all.dual_value.push_back(solved.dual_value);
    all.max_residual.push_back(*std::max_element(mapped.residual.begin(), mapped.residual.end()));
    all.iterations.push_back(*std::max_element(mapped.iterations.begin(), mapped.iterations.end()));
    all.status.push_back(*std::max_element(mapped.status.begin(), mapped.status.end()));
  }

  void declare() {
    layout.problems = population_.problems();
    layout.spaces = {{"problem"}, {forward() ? "source point" : "target point"}};
    auto& points = layout.spaces[MapSpace::point];
    points.offsets_dataset = "/solution/offsets";
    points.offsets = {0};
    for (std::int64_t k = 0; k < layout.problems; ++k)
      points.offsets.push_back(points.offsets.back() + (forward() ? population_.source_points(k)
                                                                  : population_.target_points(k)));
    layout.references = {{"/problems/source", population_.source},
                         {"/problems/target", population_.target}};
    layout.error = "/solution/max_residual";
    const auto number_of = [&](const char* name, std::size_t space, std::vector<std::int64_t> shape,
                               const char* unit, const char* meaning, auto member) {
      columns_.add(
          layout,
          {std::string("/solution/") + name, space, ColumnType::float64, std::move(shape), unit,
           meaning},
          [member](MappedProblems & mapped) -> auto& { return mapped.*member; });
    };
    number_of("image", MapSpace::point, {population_.dimension}, "", "where the point goes",
              &MappedProblems::image);
    number_of("residual", MapSpace::point, {}, "", "|grad f(x) - y| at the conjugate's minimizer",
              &MappedProblems::residual);
    number_of("round_trip", MapSpace::point, {}, "",
              "distance from where the other map takes the image", &MappedProblems::round_trip);
    number_of("dual_value", MapSpace::problem, {}, "squared distance",
              "of the potentials: a lower bound where f is convex and conjugates are solved",
              &MappedProblems::dual_value);
    number_of("max_residual", MapSpace::problem, {}, "", "largest residual of a point",
              &MappedProblems::max_residual);
    const auto integer_of = [&](const char* name, const char* meaning, auto member) {
      columns_.add(
          layout,
          {std::string("/solution/") + name, MapSpace::problem, ColumnType::int32, {}, "", meaning},
          [member](MappedProblems & mapped) -> auto& { return mapped.*member; });
    };
    integer_of("iterations", "most iterations of a point", &MappedProblems::iterations);
    integer_of("status", "how the worst point ended; attributes status_0 ... name it",
               &MappedProblems::status);
    const auto set = [&](const std::string& name, auto value) {
      layout.attributes.push_back({"/solution", name, std::move(value)});
    };
    set("population", file.filename().string());
    set("method", job_.map.method);
    add_map_attributes(job_, layout);
  }

  const Job& job_;
  MapInputs inputs_;
  const CloudPopulation& population_ = inputs_.population;
  std::unique_ptr<MapMethod> maps_;
  std::optional<RecoloredImages> images_;
  SolutionColumns<MappedProblems> columns_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_conditional_maps(const CommandContext& context, Report& report) {
  return std::make_unique<ConditionalMapProblems>(context, report);
}

}  // namespace otfleet
