#include <algorithm>

#include "kernels/api/outputs.hpp"
#include "kernels/minimize/settings.hpp"
#include "src/families/conditional_map/methods/map_method.hpp"
#include "src/families/conditional_map/methods/two_way_map.hpp"
#include "src/families/conditional_map/problem_maps.hpp"
#include "src/families/conditional_map/problem_solution.hpp"

namespace otfleet {
namespace {

/// Points at which a map is evaluated together.
constexpr std::int64_t points_at_once = 16384;

/// One side of a solved problem, to which points go.
struct Potential {
  std::span<const double> points, weights;  ///< the population's
  std::vector<double> values;
  double epsilon = 0;
};

std::vector<double> images_of(const Potential& to, std::span<const double> points,
                              std::int64_t dimension) {
  const auto d = static_cast<std::size_t>(dimension);
  const std::int64_t target_offsets[] = {0, static_cast<std::int64_t>(to.weights.size())};
  const std::int32_t first[] = {0};
  DeviceArray<double> potential("otfleet::maps::potential", to.values.size());
  potential.upload(to.values);
  std::vector<double> images;
  images.reserve(points.size());
  for (std::size_t begin = 0; begin < points.size(); begin += points_at_once * d) {
    const auto some =
        points.subspan(begin, std::min<std::size_t>(points_at_once * d, points.size() - begin));
    const std::size_t count = some.size() / d;
    const std::vector<double> weights(count, 1 / static_cast<double>(count));
    const std::int64_t offsets[] = {0, static_cast<std::int64_t>(count)};
    const auto problems = kernels::Problems::between_clouds(kernels::SquaredEuclideanCost{},
                                                            dimension, {weights, some, offsets},
                                                            {to.weights, to.points, target_offsets})
                              .between(first, first);
    DeviceArray<double> projection("otfleet::maps::images", some.size());
    kernels::barycentric_projection(problems, to.epsilon, kernels::Projection::to_target, potential,
                                    projection);
    const auto part = projection.download();
    images.insert(images.end(), part.begin(), part.end());
  }
  return images;
}

class EntropicMaps final : public MapMethod {
 public:
  EntropicMaps(const CloudPopulation& population, const Job& job)
      : population_(population), job_(job) {}

  std::unique_ptr<ProblemMap> map(std::int32_t problem) override {
    const auto at = static_cast<std::size_t>(problem);
    const std::int64_t d = population_.dimension, source = population_.source[at],
                       target = population_.target[at];
    const CloudTable& targets = population_.target_table();
    const auto [epsilon, solved] =
        solve_problem(population_, problem, job_.map.epsilon, job_.solver);
    const auto side = [&, own = epsilon](const CloudTable& table, std::int64_t measure,
                                         const std::vector<double>& values) {
      return Potential{points_of(table, measure, d), weights_of(table, measure), values, own};
    };
    const auto function = [d](Potential to) {
      return [to = std::move(to), d](std::span<const double> points) {
        return images_of(to, points, d);
      };
    };
    return std::make_unique<TwoWayMap>(
        d, function(side(targets, target, solved.g)),
        function(side(population_.sources, source, solved.f)),
        static_cast<std::int32_t>(solved.status[0] == 0 ? kernels::ConjugateStatus::converged
                                                        : kernels::ConjugateStatus::step_limit));
  }

 private:
  const CloudPopulation& population_;
  const Job& job_;
};

}  // namespace

std::unique_ptr<MapMethod> entropic_maps(const CloudPopulation& population, const Job& job) {
  return std::make_unique<EntropicMaps>(population, job);
}

}  // namespace otfleet
