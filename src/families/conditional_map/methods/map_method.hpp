#pragma once
#include <cstdint>
#include <memory>

#include "src/families/conditional_map/conditional_model.hpp"
#include "src/job.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// What makes the maps of a population's problems: a trained model, or a method that looks at both
/// measures of each. Local; one thread at a time.
class MapMethod {
 public:
  virtual ~MapMethod() = default;

  /// The map of one problem; may keep a reference to the method.
  virtual std::unique_ptr<ProblemMap> map(std::int32_t problem) = 0;
  /// Whether maps are gradients of potentials: MappedPoints::value then means something.
  virtual bool has_potentials() const { return false; }
};

/// The method that the job names; `model` may be null where that is not a model.
std::unique_ptr<MapMethod> make_map_method(const CloudPopulation& population,
                                           ConditionalModel* model, const Job& job);

}  // namespace otfleet
