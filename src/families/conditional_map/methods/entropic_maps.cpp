#include "src/families/conditional_map/methods/entropic_maps.hpp"

#include <map>

#include "src/families/conditional_map/methods/map_method.hpp"
#include "src/families/conditional_map/methods/self_transport.hpp"
#include "src/families/conditional_map/methods/two_way_map.hpp"
#include "src/families/conditional_map/problem_maps.hpp"
#include "src/families/conditional_map/problem_solution.hpp"

namespace otfleet {
namespace {

/// One side of a solved problem, to which points go.
struct Potential {
  std::span<const double> points;  ///< the population's
  std::vector<double> values;
  double epsilon = 0;
};

class EntropicMaps final : public MapMethod {
 public:
  EntropicMaps(const CloudPopulation& population, const Job& job)
      : population_(population), job_(job) {}

  std::unique_ptr<ProblemMap> map(std::int32_t problem) override {
    const auto at = static_cast<std::size_t>(problem);
    const std::int64_t d = population_.dimension;
    const std::int32_t source = population_.source[at], target = population_.target[at];
    const CloudTable& targets = population_.target_table();
    const auto [epsilon, solved] =
        job_.map.epsilon > 0
            ? solve_problem(population_, problem, job_.map.epsilon, job_.solver)
            : solve_problem_at(population_, problem, epsilon_to(target), job_.solver);
    const auto side = [&, own = epsilon](const CloudTable& table, std::int64_t measure,
                                         const std::vector<double>& values) {
      return Potential{points_of(table, measure, d), values, own};
    };
    const auto function = [d](Potential to) {
      return [to = std::move(to), d](std::span<const double> points) {
        return entropic_images({to.points, to.values}, to.epsilon, points, d);
      };
    };
    return std::make_unique<TwoWayMap>(
        d, function(side(targets, target, solved.g)),
        function(side(population_.sources, source, solved.f)),
        [converged = solved.status[0] == 0] { return status_of_plans(converged); });
  }

 private:
  /// What is chosen for maps to a target.
  double epsilon_to(std::int32_t target) {
    const auto found = chosen_.find(target);
    if (found != chosen_.end()) return found->second;
    const std::int64_t d = population_.dimension;
    const double epsilon =
        epsilon_by_self_transport(cloud_of(population_.target_table(), target, d), d, job_.solver,
                                  static_cast<std::uint64_t>(job_.seed));
    return chosen_[target] = epsilon;
  }

  const CloudPopulation& population_;
  const Job& job_;
  std::map<std::int32_t, double> chosen_;  ///< by target
};

}  // namespace

std::unique_ptr<MapMethod> EntropicMapsEntry::make(const CloudPopulation& population,
                                                   ConditionalModel*, const Job& job) {
  return std::make_unique<EntropicMaps>(population, job);
}

}  // namespace otfleet
