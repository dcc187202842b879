#include "src/families/conditional_map/methods/map_method.hpp"

#include <stdexcept>

namespace otfleet {

std::unique_ptr<MapMethod> make_map_method(const CloudPopulation& population,
                                           ConditionalModel* model, const Job& job) {
  switch (job.map.method) {
    case MapMethodName::model:
      return model_maps(population, *model, job);
    case MapMethodName::gaussian:
      return gaussian_maps(population, job);
    case MapMethodName::entropic:
      return entropic_maps(population, job);
    case MapMethodName::sliced:
      return sliced_maps(population, job);
  }
  throw std::logic_error("no such map.method");
}

}  // namespace otfleet
