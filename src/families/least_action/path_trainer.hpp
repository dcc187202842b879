#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "distributed/communicator.hpp"
#include "kernels/api/paths.hpp"
#include "src/families/least_action/path_predictor.hpp"
#include "src/families/neural_dual/samplers/sampler.hpp"
#include "src/trainers/data_parallel_trainer.hpp"

namespace otfleet {

struct PathTrainerSettings {
  std::int64_t batch = 1024;  ///< paths of a step, over all ranks together
  kernels::Lagrangian lagrangian;
  kernels::PathSettings path;
  std::int64_t anneal_steps = 0;  ///< over which barriers grow
  OptimizerSettings optimizer;
};

/// Trains a predictor of paths on their action itself: a step minimizes the mean action of the
/// predicted paths from samples x to samples y. There is nothing to solve. A step's first error is
/// the mean norm of the action's slope by a path's coefficients, which is 0 where a path has least
/// action.
class PathTrainer final : public DataParallelTrainer {
 public:
  /// Keeps references to the samplers and the model. Collective.
  PathTrainer(const PathTrainerSettings& settings, const distributed::Communicator& communicator,
              const Sampler& source, const Sampler& target, PathPredictor& model);

  void step(double rate) override;

 private:
  void draw();
  /// This rank's parts of the loss, of the error, and how many paths have no finite action.
  std::vector<double> weigh();

  PathTrainerSettings settings_;
  const Sampler &source_, &target_;
  PathPredictor& model_;
  std::int64_t first_, count_;  ///< this rank's part of a batch
  kernels::PathActions actions_;
  std::vector<double> x_drawn_, y_drawn_;
  HostValues<float> seen_host_, x_host_, y_host_;
  DeviceArray<float, 2> seen_, x_, y_, coefficients_, slope_;
  DeviceArray<float> action_;
};

}  // namespace otfleet
