#include <optional>

#include "src/families/conditional_map/methods/map_method.hpp"
#include "src/families/conditional_map/methods/model_maps.hpp"
#include "src/families/conditional_map/potential_tuner.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"

namespace otfleet {
namespace {

class ModelMaps final : public MapMethod {
 public:
  ModelMaps(const CloudPopulation& population, ConditionalModel& model, const Job& job)
      : model_(model), job_(job), contexts_(population, model.description()) {
    if (job.fine_tune.steps > 0)
      tuner_.emplace(population, dynamic_cast<ConditionalPotential&>(model), job);
  }

  std::unique_ptr<ProblemMap> map(std::int32_t problem) override {
    const auto seen = contexts_.of({&problem, 1});
    return tuner_ ? tuner_->map(problem, seen) : model_.map_of(seen, job_);
  }
  bool has_potentials() const override { return model_.has_potentials(); }

 private:
  ConditionalModel& model_;
  const Job& job_;
  ProblemContexts contexts_;
  std::optional<PotentialTuner> tuner_;
};

}  // namespace

std::unique_ptr<MapMethod> ModelMapsEntry::make(const CloudPopulation& population,
                                                ConditionalModel* model, const Job& job) {
  return std::make_unique<ModelMaps>(population, *model, job);
}

}  // namespace otfleet
