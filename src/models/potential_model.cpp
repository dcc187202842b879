#include "src/models/potential_model.hpp"

namespace otfleet {

PotentialModel::PotentialModel(const ModelDescription& description, std::int64_t seed)
    : description_(description),
      network_(network_library().make_pair_potential(description, seed)) {}

PotentialModel PotentialModel::clone() const {
  PotentialModel copy(description_, 0);
  copy.parameters().copy_from(network_->parameters());
  return copy;
}

std::unique_ptr<StartModel> PotentialModel::copy() const {
  return std::make_unique<PotentialModel>(clone());
}

std::unique_ptr<StartPredictor> PotentialModel::predictor(const kernels::Problems& measures) const {
  return std::make_unique<PairPredictor>(*this, measures.source_weights(),
                                         measures.target_weights());
}

PairPredictor::PairPredictor(const PotentialModel& model,
                             DeviceArray<const double, 2> source_weights,
                             DeviceArray<const double, 2> target_weights)
    : predictions_(model.network_->predictions(source_weights, target_weights)) {}

}  // namespace otfleet
