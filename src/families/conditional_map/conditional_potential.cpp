#include "src/families/conditional_map/conditional_potential.hpp"

#include <utility>

namespace otfleet {
namespace {

class PotentialMap final : public ProblemMap {
 public:
  PotentialMap(ConditionalPotential& model, const SeenProblems& one,
               const DeviceArray<const float>& weights, const ConjugateOptions& settings)
      : potential_(model, one, weights), mapper_(potential_, settings) {}

  MappedPoints forward(std::span<const double> points, bool certify) override {
    return mapper_.along_gradient(points, certify);
  }
  MappedPoints backward(std::span<const double> points) override {
    return mapper_.to_minimizers(points);
  }

 private:
  ConditionedPotential potential_;
  PointMapper mapper_;
};

}  // namespace

ConditionalPotential::ConditionalPotential(const ConditionalDescription& description,
                                           std::int64_t seed)
    : ConditionalModel(description),
      networks_(network_library().make_conditional_networks(description, seed)) {}

std::unique_ptr<ProblemMap> ConditionalPotential::map_of(const SeenProblems& one, const Job& job) {
  return map_with(one, run(one).flat(), job);
}

std::unique_ptr<ProblemMap> ConditionalPotential::map_with(const SeenProblems& one,
                                                           const DeviceArray<const float>& weights,
                                                           const Job& job) {
  return std::make_unique<PotentialMap>(*this, one, weights, job.conjugate);
}

void ConditionalPotential::predict(const DeviceArray<const float, 2>& y,
                                   const DeviceArray<float, 2>& x, bool keep) {
  if (predicts())
    networks_->predict(y, x, keep);
  else
    x.copy_from(y);
}

ConditionedPotential::ConditionedPotential(ConditionalPotential& model, SeenProblems one,
                                           const DeviceArray<const float>& weights)
    : model_(model),
      one_(std::move(one)),
      weights_("otfleet::models::weights", static_cast<std::size_t>(model.layout().size)) {
  weights_.copy_from(weights);
}

void ConditionedPotential::predict_minimizers(const DeviceArray<const float, 2>& y,
                                              const DeviceArray<float, 2>& x,
                                              const DeviceArray<float, 2>& /*paths*/) {
  model_.run(one_);
  model_.predict(y, x);
}

}  // namespace otfleet
