#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "distributed/communicator.hpp"
#include "kernels/api/paths.hpp"
#include "src/families/metric_learning/metric_model.hpp"
#include "src/families/metric_learning/set_sequence.hpp"
#include "src/trainers/data_parallel_trainer.hpp"

namespace otfleet {

struct MetricTrainerSettings {
  std::int64_t batch = 128;        ///< points of every set in a step
  std::int64_t couple_every = 10;  ///< steps
  std::int64_t orient_steps = 50;
  std::int64_t seed = 0;
  kernels::PathSettings path;
  OptimizerSettings optimizer;
};

/// Learns a metric in which mass moves cheaply from each set of a sequence to the next
/// (Scarvelis & Solomon 2023; NLOT, arXiv 2406.00288, section 4.2): minimizes over the metric
///
///   Σ_t min over pairings σ of  mean_i c(x_i, y_σ(i)),
///
/// x of set t, y of set t + 1, c the least action. Alternates: every `couple_every` steps the best
/// pairing is found exactly, from the actions between all points of a batch, which do without
/// neural potentials; in between, the metric makes steps with the pairs and paths at hand, whose
/// actions have a derivative by the metric alone (Danskin). Ranks share the moves.
///
/// A cheap direction has no sign, but mass that moves has one. So that neighbors begin with the
/// same, the first `orient_steps` steps pair points without a metric and regress the network's
/// vectors onto the directions from x to y.
///
/// A step's loss is the mean action divided by that of straight lines without a metric, its first
/// error the mean residual of the paths. A run that goes on finds pairs anew.
class MetricTrainer final : public DataParallelTrainer {
 public:
  /// Keeps references to the sequence and the model. Collective.
  MetricTrainer(const MetricTrainerSettings& settings,
                const distributed::Communicator& communicator, const SetSequence& sequence,
                MetricModel& model);

  void step(double rate) override;

 private:
  std::int64_t points_of_step() const { return sequence_.moves() * settings_.batch; }
  bool orients() { return update_.state().step < settings_.orient_steps; }
  void couple(const kernels::Lagrangian& lagrangian);
  /// A backward pass towards the directions of the pairs at hand.
  void orient(const GradientListener& listener);
  /// Points of this batch from a set: some of them, all in another order.
  std::vector<double> draw(std::int64_t set);

  MetricTrainerSettings settings_;
  const SetSequence& sequence_;
  MetricModel& model_;
  std::int64_t first_ = 0, moves_ = 0;  ///< of this rank
  std::optional<kernels::PathSolver> coupling_, paths_;
  std::vector<double> x_, y_, coefficients_;  ///< of the pairs
  double unit_ = 1;                           ///< mean action of straight lines without a metric
  bool coupled_ = false;
};

}  // namespace otfleet
