#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "distributed/communicator.hpp"
#include "src/families/conditional_map/conditional_potential.hpp"
#include "src/families/conditional_map/problem_batches.hpp"
#include "src/families/neural_dual/dual_trainer.hpp"
#include "src/families/neural_dual/potential_dual.hpp"
#include "src/trainers/data_parallel_trainer.hpp"

namespace otfleet {

struct ConditionalTrainerSettings {
  ProblemBatchSettings problems;
  DualTrainerSettings dual;  ///< without its batch
};

/// What a job says about training conditional maps.
ConditionalTrainerSettings conditional_trainer_settings(const Job& job);

/// Trains one model of the potentials of many problems: minimizes the mean over problems of the
/// dual that DualTrainer has, problems drawn at random, their samples from the measures' points by
/// weight. Ranks share the problems of a step. Every problem's potential goes through the same
/// conjugate solver; gradients by its weights go on to the network that made them.
class ConditionalTrainer final : public DataParallelTrainer {
 public:
  /// Keeps references to `population` and `model`. Collective.
  ConditionalTrainer(const ConditionalTrainerSettings& settings,
                     const distributed::Communicator& communicator,
                     const CloudPopulation& population, ConditionalPotential& model);

  void step(double rate) override;

  /// Since construction. Collective: sums over the ranks.
  ConjugateFigures conjugate_figures() const;

 private:
  /// Losses and slopes of this rank's problem number `which`.
  void solve(std::size_t which, std::array<double, 3>& sums);

  ConditionalTrainerSettings settings_;
  distributed::Communicator communicator_;
  ConditionalPotential& model_;
  ProblemBatches batches_;
  ConjugateFigures figures_;
  PotentialDual dual_;
  DeviceArray<float, 2> x_, y_, prediction_, point_slope_;  ///< [count B, D]
  DeviceArray<float, 2> potential_, slope_;                 ///< [count, weights of a potential]
  /// One for each problem of this rank; they follow potential_ and slope_.
  std::vector<kernels::Network<float>> networks_;
  std::vector<kernels::NetworkGradient> gradients_;
};

}  // namespace otfleet
