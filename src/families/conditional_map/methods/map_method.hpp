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

/// Maps of a trained model. With job.fine_tune.steps > 0 each potential is first trained on its own
/// problem alone, see PotentialTuner. Keeps references to all.
std::unique_ptr<MapMethod> model_maps(const CloudPopulation& population, ConditionalModel& model,
                                      const Job& job);

// Without a model, each in a file of its own. All keep references to both.

/// The map between Gaussians with the measures' moments, see gaussian_map().
std::unique_ptr<MapMethod> gaussian_maps(const CloudPopulation& population, const Job& job);

/// The entropic map (Pooladian & Niles-Weed 2021): with g the potential of the target's points y_j
/// that Sinkhorn finds,
///   T(x) = sum_j w_j(x) y_j,  w_j(x) ∝ exp((g_j − |x − y_j|²)/ε),
/// for any x. ε is `map.epsilon` of the problem's mean cost. The way back is the same map of the
/// other side.
std::unique_ptr<MapMethod> entropic_maps(const CloudPopulation& population, const Job& job);

/// Sliced transport by turns (Pitié, Kokaram & Dahyot 2007): `map.turns` times both clouds are
/// turned at random and every coordinate of the source goes to the target's by the monotone map.
/// The way back is made the same way.
std::unique_ptr<MapMethod> sliced_maps(const CloudPopulation& population, const Job& job);

/// The method that the job names; `model` may be null where that is not a model.
std::unique_ptr<MapMethod> make_map_method(const CloudPopulation& population,
                                           ConditionalModel* model, const Job& job);

}  // namespace otfleet
