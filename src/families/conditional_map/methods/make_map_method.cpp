#include <stdexcept>
#include <utility>

#include "src/families/conditional_map/methods/list.hpp"
#include "src/families/conditional_map/methods/map_method.hpp"

namespace otfleet {

std::unique_ptr<MapMethod> make_map_method(const CloudPopulation& population,
                                           ConditionalModel* model, const Job& job) {
  std::unique_ptr<MapMethod> made;
  const auto try_one = [&](const MapMethodFacts& facts, auto make) {
    if (job.map.method == facts.name) made = make(population, model, job);
  };
  [&]<class... Entries>(const std::tuple<Entries...>*) {
    (try_one(Entries::facts(), &Entries::make), ...);
  }(static_cast<const MapMethods*>(nullptr));
  if (!made) throw std::logic_error("no such map.method");
  return made;
}

}  // namespace otfleet
