#pragma once
#include <memory>
#include <span>

#include "kernels/api/learned_start.hpp"
#include "src/models/trained_model.hpp"

namespace otfleet {

/// Predictions for many pairs of one population's measures. Local; one thread at a time.
class StartPredictor {
 public:
  virtual ~StartPredictor() = default;

  /// The starts of `problems`, which are the pairs (sources[k], targets[k]): `learned`, for solvers
  /// that read it as it is, or, where that stays empty, f [source points], flat; for solves at
  /// `epsilon`.
  virtual void predict(const kernels::Problems& problems, std::span<const std::int32_t> sources,
                       std::span<const std::int32_t> targets, double epsilon,
                       kernels::NetworkStart& learned, const DeviceArray<double>& f) const = 0;
};

/// A model that predicts a potential, the start of a solver, for every pair of measures of a
/// population: PotentialModel where all share their points, CloudModel where every measure has
/// points of its own.
class StartModel : public TrainedModel {
 public:
  /// Trained at, in units of the cost.
  virtual double trained_epsilon() const = 0;

  /// With the same weights and zero gradients. Local.
  virtual std::unique_ptr<StartModel> copy() const = 0;

  /// For pairs of `measures`. The model has to stay. Local.
  virtual std::unique_ptr<StartPredictor> predictor(const kernels::Problems& measures) const = 0;
};

}  // namespace otfleet
