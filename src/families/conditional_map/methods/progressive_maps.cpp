#include "src/families/conditional_map/methods/progressive_maps.hpp"

#include <memory>
#include <utility>

#include "src/families/conditional_map/methods/map_method.hpp"
#include "src/families/conditional_map/methods/self_transport.hpp"
#include "src/families/conditional_map/methods/two_way_map.hpp"
#include "src/families/conditional_map/problem_solution.hpp"

namespace otfleet {
namespace {

/// Of the first stage, of the mean cost between source and target: points first go to where most
/// of the target is.
constexpr double first_share = 0.8;

/// One stage: how far points go, and along what.
struct Stage {
  double step = 1, epsilon = 0;
  std::vector<double> potential;  ///< of the target's points
};

/// All stages from one cloud to another.
class Progression {
 public:
  Progression(WeightedCloud from, WeightedCloud to, std::int64_t dimension, const Job& job)
      : to_(std::move(to)), dimension_(dimension), settings_(job.solver) {
    const std::int64_t stages = job.map.stages;
    const double last =
        epsilon_by_self_transport(to_, dimension, settings_, static_cast<std::uint64_t>(job.seed));
    const double first = first_share * mean_cost_of(from, to_, dimension);
    for (std::int64_t k = 0; k < stages; ++k) {
      const double passed =
          stages > 1 ? static_cast<double>(k) / static_cast<double>(stages - 1) : 1.0;
      Stage stage{1 / static_cast<double>(stages - k), (1 - passed) * first + passed * last, {}};
      stage.potential = solve(from, to_, stage.epsilon);
      move(stage, from.points);
      stages_.push_back(std::move(stage));
    }
  }

  std::vector<double> map(std::span<const double> points) const {
    std::vector<double> moved(points.begin(), points.end());
    for (const Stage& stage : stages_) move(stage, moved);
    return moved;
  }
  bool converged() const { return converged_; }

 private:
  std::vector<double> solve(const WeightedCloud& x, const WeightedCloud& y, double epsilon) {
    const auto solved = solve_alone(pair_of(x, y, dimension_), epsilon, settings_);
    converged_ = converged_ && solved.status[0] == 0;
    return solved.g;
  }

  void move(const Stage& stage, std::vector<double>& points) const {
    const auto images =
        entropic_images({to_.points, stage.potential}, stage.epsilon, points, dimension_);
    for (std::size_t at = 0; at < points.size(); ++at)
      points[at] += stage.step * (images[at] - points[at]);
  }

  WeightedCloud to_;
  std::int64_t dimension_;
  const SolverOptions& settings_;
  std::vector<Stage> stages_;
  bool converged_ = true;
};

class ProgressiveMaps final : public MapMethod {
 public:
  ProgressiveMaps(const CloudPopulation& population, const Job& job)
      : population_(population), job_(job) {}

  std::unique_ptr<ProblemMap> map(std::int32_t problem) override {
    const auto at = static_cast<std::size_t>(problem);
    const std::int64_t d = population_.dimension;
    const WeightedCloud source = cloud_of(population_.sources, population_.source[at], d),
                        target = cloud_of(population_.target_table(), population_.target[at], d);
    const auto there = std::make_shared<const Progression>(source, target, d, job_);
    // The way back is made when it is first asked for.
    const auto back = std::make_shared<std::shared_ptr<const Progression>>();
    return std::make_unique<TwoWayMap>(
        d, [there](std::span<const double> points) { return there->map(points); },
        [source, target, d, back, &job = job_](std::span<const double> points) {
          if (!*back) *back = std::make_shared<const Progression>(target, source, d, job);
          return (*back)->map(points);
        },
        [there, back] {
          return status_of_plans(there->converged() && (!*back || (*back)->converged()));
        });
  }

 private:
  const CloudPopulation& population_;
  const Job& job_;
};

}  // namespace

std::unique_ptr<MapMethod> ProgressiveMapsEntry::make(const CloudPopulation& population,
                                                      ConditionalModel*, const Job& job) {
  return std::make_unique<ProgressiveMaps>(population, job);
}

}  // namespace otfleet
