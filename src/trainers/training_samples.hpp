#pragma once
#include <cstdint>
#include <memory>

#include "distributed/shard.hpp"
#include "src/families/linear/batch_solver.hpp"
#include "src/models/start_model.hpp"
#include "src/populations/population_view.hpp"

namespace otfleet {

/// Problems that a StartModel is trained on, drawn step by step, and its predictions for them.
/// Sample number s (counted over the whole run, not per rank) is the same on any number of ranks.
/// Local.
class TrainingSamples {
 public:
  virtual ~TrainingSamples() = default;

  /// What solves such problems.
  virtual const BatchSolver& solver() const = 0;

  /// Samples first … first + count − 1. Does not wait.
  virtual void draw(std::int64_t first, std::int64_t count) = 0;

  // Of the samples drawn last.
  virtual const kernels::Problems& problems() const = 0;
  /// The source's weights as shares of its mass, flat.
  virtual DeviceArray<const double> shares() const = 0;
  /// The model's prediction f, flat, keeping what backward() needs.
  virtual DeviceArray<double> predict(double epsilon) = 0;
  /// Sets the model's gradients; `slope` of a loss by f, flat; empty: no samples were drawn.
  virtual void backward(const DeviceArray<const double>& slope,
                        const GradientListener& listener) = 0;
};

/// Of the problems `problems` of a population, a range that must not be empty, drawn with
/// replacement. With `augment` measures on grids are moved, see PairSampler. `model` is one for
/// populations of this kind: PotentialModel or CloudModel. Keeps references to both.
std::unique_ptr<TrainingSamples> training_samples(const PopulationView& population, double epsilon,
                                                  distributed::Shard problems, std::int64_t seed,
                                                  bool augment, StartModel& model);

}  // namespace otfleet
