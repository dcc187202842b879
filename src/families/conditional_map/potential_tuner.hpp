#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "src/families/conditional_map/cloud_sampler.hpp"
#include "src/families/conditional_map/conditional_potential.hpp"
#include "src/families/neural_dual/dual_trainer.hpp"
#include "src/families/neural_dual/potential_dual.hpp"

namespace otfleet {

/// Trains the potentials of single problems, each on its own problem alone, from the weights that
/// the model gives it: job.fine_tune.steps steps of job.train.optimizer on the dual that the model
/// was trained on, job.fine_tune.batch samples of either side a step. The model stays as it is, the
/// predictions of minimizers too. What is drawn depends on the seed and the problem alone, not on
/// ranks or on what was mapped before. Local.
class PotentialTuner {
 public:
  /// Keeps references to all.
  PotentialTuner(const CloudPopulation& population, ConditionalPotential& model, const Job& job);

  /// The map of a problem by its tuned potential. Where training fails, that of the model.
  std::unique_ptr<ProblemMap> map(std::int32_t problem, const SeenProblems& one);

 private:
  void draw(std::int32_t problem, std::int64_t step);

  ConditionalPotential& model_;
  const Job& job_;
  DualTrainerSettings settings_;
  CloudSampler sampler_;
  PotentialDual dual_;
  std::vector<float> x_host_, y_host_;
  DeviceArray<float, 2> y_, prediction_;  ///< [B, D]
  DeviceArray<float> weights_, slope_;    ///< of a potential
  kernels::Network<float> network_;       ///< with weights_
  kernels::NetworkGradient gradient_;     ///< to slope_
};

}  // namespace otfleet
