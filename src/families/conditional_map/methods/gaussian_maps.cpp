#include "src/families/conditional_map/methods/gaussian_maps.hpp"
#include "src/families/conditional_map/methods/map_method.hpp"
#include "src/families/conditional_map/methods/two_way_map.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"

namespace otfleet {
namespace {

class GaussianMaps final : public MapMethod {
 public:
  explicit GaussianMaps(const CloudPopulation& population) : population_(population) {}

  std::unique_ptr<ProblemMap> map(std::int32_t problem) override {
    const auto at = static_cast<std::size_t>(problem);
    const std::int64_t d = population_.dimension;
    const CloudMoments source = moments_of(population_.sources, population_.source[at], d, {}),
                       target =
                           moments_of(population_.target_table(), population_.target[at], d, {});
    const auto function = [](const AffineMap& map) {
      return [map](std::span<const double> points) { return affine_images(map, points); };
    };
    return std::make_unique<TwoWayMap>(d, function(gaussian_map(source, target)),
                                       function(gaussian_map(target, source)));
  }

 private:
  const CloudPopulation& population_;
};

}  // namespace

std::unique_ptr<MapMethod> GaussianMapsEntry::make(const CloudPopulation& population,
                                                   ConditionalModel*, const Job&) {
  return std::make_unique<GaussianMaps>(population);
}

}  // namespace otfleet
