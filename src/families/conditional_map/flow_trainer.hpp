#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "distributed/communicator.hpp"
#include "src/families/conditional_map/problem_batches.hpp"
#include "src/families/conditional_map/velocity_model.hpp"
#include "src/trainers/data_parallel_trainer.hpp"

namespace otfleet {

struct FlowTrainerSettings {
  ProblemBatchSettings problems;
  Coupling coupling = Coupling::entropic;
  double epsilon = 0.05;  ///< of the entropic coupling, times the mean cost between the two sides
  OptimizerSettings optimizer;
};

/// What a job says about training velocities.
FlowTrainerSettings flow_trainer_settings(const Job& job);

/// Trains a velocity by flow matching: minimizes mean |v(x_t, t; c) − (y − x)|², x_t = (1 − t) x +
/// t y, over pairs (x, y) from a coupling of samples of a problem's source and target, t uniform in
/// [0, 1] (stratified within a problem).
///   entropic     a step's problems are solved as one batch by the solvers that `solve` has, and
///                every x draws its y from its row of the plan (Pooladian et al. 2023, Tong et al.
///                2024)
///   exact        the best assignment of the samples
///   independent  as they are drawn
/// A step's loss is that mean, and so is its first error.
class FlowTrainer final : public DataParallelTrainer {
 public:
  /// Keeps references to `population` and `model`. Collective.
  FlowTrainer(const FlowTrainerSettings& settings, const distributed::Communicator& communicator,
              const CloudPopulation& population, VelocityModel& model);

  void step(double rate) override;

 private:
  /// Which y of its problem every x goes to.
  std::vector<std::size_t> couple();

  FlowTrainerSettings settings_;
  VelocityModel& model_;
  ProblemBatches batches_;
  kernels::CounterRandom times_random_, pairs_random_;
  double epsilon_;  ///< of the entropic coupling
  DeviceArray<float, 2> points_, times_, velocity_, wanted_, slope_;
  HostValues<float> points_host_, times_host_, wanted_host_;
};

}  // namespace otfleet
