#include "src/families/linear/plan_maps.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/file_mark.hpp"
#include "kernels/api/entropic_map.hpp"
#include "src/data/array_file.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/file_kinds.hpp"
#include "src/data/fingerprint.hpp"
#include "src/families/linear/kernel_errors.hpp"
#include "src/populations/any_population.hpp"
#include "src/populations/job_population.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/solution_columns.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using distributed::Shard;

/// Of a block's images.
constexpr std::int64_t most_map_bytes = std::int64_t{64} << 20;

/// What is copied from the solution, so that every map says how good its plan is.
struct PlanFigures {
  std::vector<double> error;
  std::vector<std::int32_t> iterations, status;
  std::string error_column;  ///< /solution/marginal_error, or residual where not balanced
};

/// A solution of linear problems, as far as maps need it. Local.
class StoredPlans {
 public:
  StoredPlans(const std::filesystem::path& path, const AnyPopulation& population)
      : file_(Hdf5File::open(path)) {
    const std::string name = path.string();
    const auto kind = file_.string_attribute("/", distributed::kind_attribute);
    if (kind != std::string(solution_kind) || !file_.has("/solution/status"))
      throw UserError(name + ": is no solution of otfleet's");
    const auto epsilon = file_.number_attribute("/solution", "epsilon");
    if (!file_.has("/solution/f") || !file_.has("/solution/g") || !epsilon)
      throw UserError(name + ": has no potentials; solve again with solution.potentials = true");
    epsilon_ = *epsilon;
    const PopulationView view = view_any(population);
    require_same(name, view, geometry_fingerprint_of(population));
    for (const char* error : {"/solution/marginal_error", "/solution/residual"})
      if (file_.has(error)) figures_.error_column = error;
    if (figures_.error_column.empty()) throw UserError(name + ": has no marginal_error");
    figures_.error = file_.read<double>(figures_.error_column);
    figures_.iterations = file_.read<std::int32_t>("/solution/iterations");
    figures_.status = file_.read<std::int32_t>("/solution/status");
    for (int status = 0;; ++status) {
      const auto word = file_.string_attribute("/solution", fmt::format("status_{}", status));
      if (!word) break;
      status_words_.push_back(*word);
    }
  }

  double epsilon() const { return epsilon_; }
  const PlanFigures& figures() const { return figures_; }
  const std::vector<std::string>& status_words() const { return status_words_; }

  /// On one side of a problem.
  std::vector<double> potential(std::int64_t problem, bool source) const {
    const char* const dataset = source ? "/solution/f" : "/solution/g";
    const auto& offsets = source ? f_offsets_ : g_offsets_;
    const Shard rows = offsets.empty() ? Shard{problem, problem + 1}
                                       : Shard{offsets[static_cast<std::size_t>(problem)],
                                               offsets[static_cast<std::size_t>(problem) + 1]};
    std::vector<double> values(static_cast<std::size_t>(
        rows.size() * (offsets.empty() ? file_.info(dataset).shape[1] : 1)));
    file_.read_rows<double>(dataset, rows, values);
    return values;
  }

 private:
  /// Throws unless the solution is of problems of the same sizes.
  void require_same(const std::string& name, const PopulationView& view,
                    const std::string& geometry) {
    const auto differs = [&](const std::string& what) {
      throw UserError(fmt::format(
          "{}: {}; name the solution of this population as files.solution, or solve again", name,
          what));
    };
    if (file_.string_attribute("/solution", "geometry") != geometry)
      differs("is of a population with another geometry or cost");
    const auto same_indices = [&](const char* dataset, std::span<const std::int32_t> expected) {
      const auto found = file_.read<std::int32_t>(dataset);
      return std::equal(found.begin(), found.end(), expected.begin(), expected.end());
    };
    if (!same_indices("/problems/source", view.sources()) ||
        !same_indices("/problems/target", view.targets()))
      differs("is of other problems");
    for (const bool source : {true, false}) {
      const auto size = [&](std::int64_t k) {
        return source ? view.source_points(k) : view.target_points(k);
      };
      const std::string dataset = source ? "/solution/f" : "/solution/g";
      if (view.clouds() == nullptr) {
        const auto shape = file_.info(dataset).shape;
        if (view.problems() > 0 && (shape.size() != 2 || shape[1] != size(0)))
          differs("has potentials of another shape");
        continue;
      }
      auto& offsets = source ? f_offsets_ : g_offsets_;
      offsets = read_integers(file_, dataset + "_offsets");
      bool same = static_cast<std::int64_t>(offsets.size()) == view.problems() + 1;
      for (std::int64_t k = 0; same && k < view.problems(); ++k) {
        const auto at = static_cast<std::size_t>(k);
        same = offsets[at + 1] - offsets[at] == size(k);
      }
      if (!same) differs("is of clouds with other numbers of points");
    }
  }

  Hdf5File file_;
  double epsilon_ = 0;
  std::vector<std::int64_t> f_offsets_, g_offsets_;  ///< of clouds, else empty
  PlanFigures figures_;
  std::vector<std::string> status_words_;
};

/// What there is of some problems.
struct MappedPlans {
  kernels::MappedByPlan points;
  PlanFigures figures;
};

std::filesystem::path find_solution(const CommandContext& context) {
  const auto& configured = context.job.files.solution;
  if (can_find_input(context, configured, "solve", "solution.h5"))
    return find_input(context, configured, "files.solution", "solve", "solution.h5");
  throw UserError(
      "map.points: maps are made from plans, and there is no solution yet; run 'otfleet solve' "
      "without map.points first, or name a solution with --set files.solution=FILE");
}

class PlanMaps final : public ProblemSet {
 public:
  PlanMaps(const CommandContext& context, Report& report) : job_(context.job) {
    const auto& communicator = context.communicator;
    std::string content;
    {
      const PhaseTimer timer(report, "read");
      communicator.agree([&] {
        file = find_input(context, job_.files.test_population, "files.test_population", "make",
                          "test.h5");
        population_ = read_any_job_population(job_, file);
        points_ = read_points(job_.map.points, "point");
        require_maps();
        const auto solution = find_solution(context);
        plans_.emplace(solution, population_);
        if (!communicator.is_root()) return;
        require_own_plans(solution.string());
        content = content_of(solution);
        if (context.prints())
          spdlog::info("epsilon = {:.6g}, that of the plans", plans_->epsilon());
      });
    }
    content = communicator.broadcast(content);
    identity =
        nlohmann::json{{"content", content}, {"direction", word_of(job_.map.direction)}}.dump();
    method = "entropic map";
    reason = "map.points names points";
    shard_reason = "every rank takes problems of its own";
    declare();
    const auto bytes = static_cast<std::int64_t>(8 * (points_.values.size() + points_.shape[0]));
    most_problems = std::clamp<std::int64_t>(most_map_bytes / std::max<std::int64_t>(bytes, 1), 1,
                                             most_problems_of_block);
  }

  double work(Shard rows) const override {
    double points = 0;
    for (std::int64_t k = rows.begin; k < rows.end; ++k)
      points += static_cast<double>(forward() ? view().target_points(k) : view().source_points(k));
    return points;
  }

  SolutionTable solve(Shard rows, SolveSeconds& seconds, SolveControl&) override {
    const StopWatch watch(seconds.iterate);
    MappedPlans all;
    for (std::int64_t k = rows.begin; k < rows.end; ++k) {
      const auto at = static_cast<std::size_t>(k);
      const auto mapped = map(k);
      for (const auto& [from, to] : {std::pair{&mapped.images, &all.points.images},
                                     std::pair{&mapped.values, &all.points.values}})
        to->insert(to->end(), from->begin(), from->end());
      const PlanFigures& figures = plans_->figures();
      all.figures.error.push_back(figures.error[at]);
      all.figures.iterations.push_back(figures.iterations[at]);
      all.figures.status.push_back(figures.status[at]);
    }
    return columns_.take(std::move(all));
  }

  void report(nlohmann::json& figures, const SolveTally& tally) const override {
    figures["points"] = points_.shape[0];
    figures["epsilon"] = plans_->epsilon();
    figures["max_plan_error"] = tally.max_error;
  }
  std::string complaint(const StatusCounts& statuses) const override {
    if (statuses.failed() == 0) return {};
    return fmt::format(
        "{} of {} problems had not converged, so that their maps are of unfinished plans; solve "
        "them again with a larger solver.max_iterations",
        statuses.failed(), statuses.total());
  }
  const char* error_name() const override { return "error of a plan"; }

 private:
  /// Problems of one block.
  static constexpr std::int64_t most_problems_of_block = 16384;

  bool forward() const { return job_.map.direction == MapDirection::forward; }
  PopulationView view() const { return view_any(population_); }

  void require_maps() const {
    const GeometryFacts facts = view().geometry();
    if (!facts.ground_cost || facts.coordinates == 0)
      throw UserError(file.string() +
                      ": has a cost matrix without points, and map.points need points to go to");
    if (!kernels::has_maps(*facts.ground_cost)) {
      std::vector<std::string> fitting;
      for (const auto& cost : kernels::all_ground_costs())
        if (kernels::has_maps(cost)) fitting.emplace_back(name_of(cost));
      throw UserError(fmt::format(
          "{}: plans of the cost '{}' make no map: it is no strictly convex function of x - y, as "
          "'{}' are, and 'power' with a power above 1",
          file.string(), facts.cost_name(), fmt::join(fitting, "', '")));
    }
    if (points_.shape[1] != facts.coordinates)
      throw UserError(fmt::format("{}: has points of {} coordinates, those of {} have {}",
                                  name_of(job_.map.points), points_.shape[1], file.string(),
                                  facts.coordinates));
    const auto d = static_cast<std::size_t>(points_.shape[1]);
    for (std::size_t at = 0; at < points_.values.size(); at += d)
      check_cost_takes(name_of(job_.map.points), *facts.ground_cost,
                       std::span(points_.values).subspan(at, d), points_.shape[1], "point",
                       static_cast<std::int64_t>(at / d));
  }

  /// Throws where potentials are of other points or weights: with exact marginals g is the soft
  /// minimum over f at the target's points, plus epsilon times the logarithm of their weights.
  /// Some points of some problems are looked at.
  void require_own_plans(const std::string& name) {
    constexpr std::int64_t most_problems_seen = 20, most_points_seen = 50;
    constexpr double most_apart = 0.01;  // in epsilons; block-sparse plans leave a little out
    if (plans_->figures().error_column != "/solution/marginal_error") return;
    const double epsilon = plans_->epsilon();
    const auto d = static_cast<std::size_t>(points_.shape[1]);
    const std::int64_t problems = view().problems(), seen = std::min(problems, most_problems_seen);
    for (std::int64_t one = 0; one < seen; ++one) {
      const std::int64_t k = one * problems / seen;
      const auto at = static_cast<std::size_t>(k);
      const auto f = plans_->potential(k, true), g = plans_->potential(k, false);
      const auto a = view().weights(true, view().sources()[at]),
                 b = view().weights(false, view().targets()[at]);
      const auto y = side_points(k, false);
      const double scale =
          std::accumulate(a.begin(), a.end(), 0.0) / std::accumulate(b.begin(), b.end(), 0.0);
      std::vector<double> some, expected;
      const std::size_t step = std::max<std::size_t>(1, b.size() / most_points_seen);
      for (std::size_t j = 0; j < b.size(); j += step) {
        if (!(b[j] > 0) || !std::isfinite(g[j])) continue;
        some.insert(some.end(), y.begin() + static_cast<std::ptrdiff_t>(j * d),
                    y.begin() + static_cast<std::ptrdiff_t>((j + 1) * d));
        expected.push_back(g[j] - epsilon * std::log(scale * b[j]));
      }
      const auto found = kernels::entropic_map(*view().geometry().ground_cost, static_cast<int>(d),
                                               epsilon, {side_points(k, true), f}, some, true)
                             .values;
      for (std::size_t j = 0; j < found.size(); ++j)
        if (std::abs(found[j] - expected[j]) > most_apart * epsilon + 1e-9 * std::abs(expected[j]))
          throw UserError(fmt::format(
              "{}: is of other measures than {}; name the solution of this population as "
              "files.solution, or solve again",
              name, file.string()));
    }
  }

  /// A solution is as it was while its file is.
  std::string content_of(const std::filesystem::path& solution) const {
    Fnv hash;
    hash.add(points_.shape);
    hash.add(points_.values);
    hash.add(content_fingerprint_of(population_));
    const auto time = std::filesystem::last_write_time(solution).time_since_epoch().count();
    return fmt::format("{} {} {}", hash.digits(), std::filesystem::file_size(solution), time);
  }

  std::span<const double> side_points(std::int64_t problem, bool source) {
    const auto at = static_cast<std::size_t>(problem);
    if (view().clouds() != nullptr)
      return view().points(source, source ? view().sources()[at] : view().targets()[at]);
    auto& shared = shared_[source ? 0 : 1];
    if (shared.empty()) shared = view().shared_points()->geometry.points(source);
    return shared;
  }

  kernels::MappedByPlan map(std::int64_t problem) {
    const auto potential = plans_->potential(problem, !forward());
    return with_population_named(file, plans_->epsilon(), [&] {
      return kernels::entropic_map(
          *view().geometry().ground_cost, static_cast<int>(points_.shape[1]), plans_->epsilon(),
          {side_points(problem, !forward()), potential}, points_.values, true);
    });
  }

  void declare() {
    layout.problems = view().problems();
    layout.references = {{"/problems/source", {view().sources().begin(), view().sources().end()}},
                         {"/problems/target", {view().targets().begin(), view().targets().end()}}};
    const std::string& error = plans_->figures().error_column;
    layout.error = error;
    const auto add = [&](const std::string& dataset, ColumnType type,
                         std::vector<std::int64_t> shape, const char* unit, const char* meaning,
                         auto member) {
      columns_.add(layout, {dataset, 0, type, std::move(shape), unit, meaning}, member);
    };
    const auto number = ColumnType::float64, integer = ColumnType::int32;
    add(
        "/solution/image", number, {points_.shape[0], points_.shape[1]}, "",
        "where the map takes each of map.points",
        [](MappedPlans & mapped) -> auto& { return mapped.points.images; });
    add(
        "/solution/value", number, {points_.shape[0]}, "cost",
        "soft minimum over the other side's potential; where marginals are exact, this side's, "
        "extended",
        [](MappedPlans & mapped) -> auto& { return mapped.points.values; });
    add(
        error, number, {}, "", "of the plan, as its solution has it",
        [](MappedPlans & mapped) -> auto& { return mapped.figures.error; });
    add(
        "/solution/iterations", integer, {}, "", "that the plan took",
        [](MappedPlans & mapped) -> auto& { return mapped.figures.iterations; });
    add(
        "/solution/status", integer, {}, "", "how the plan ended; attributes status_0 ... name it",
        [](MappedPlans & mapped) -> auto& { return mapped.figures.status; });
    const auto set = [&](const std::string& name, auto value) {
      layout.attributes.push_back({"/solution", name, std::move(value)});
    };
    set("population", file.filename().string());
    set("points", job_.map.points.file.filename().string());
    set("direction", word_of(job_.map.direction));
    set("epsilon", plans_->epsilon());
    const auto& words = plans_->status_words();
    for (std::size_t k = 0; k < words.size(); ++k) set("status_" + std::to_string(k), words[k]);
  }

  const Job& job_;
  AnyPopulation population_;
  Array points_;  ///< [N, D]
  std::optional<StoredPlans> plans_;
  std::array<std::vector<double>, 2> shared_;  ///< of source and target, where all problems share
  SolutionColumns<MappedPlans> columns_;
};

}  // namespace

std::unique_ptr<ProblemSet> open_plan_maps(const CommandContext& context, Report& report) {
  return std::make_unique<PlanMaps>(context, report);
}

}  // namespace otfleet
