#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "distributed/communicator.hpp"
#include "src/families/conditional_map/cloud_sampler.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"

namespace otfleet {

struct ProblemBatchSettings {
  std::int64_t batch = 8;     ///< problems per step, over all ranks together
  std::int64_t points = 256;  ///< samples of either side of a problem
  /// Both measures of a problem are turned, or mirrored, at random, which turns its map as well;
  /// for models that see the measures, not for contexts that are given.
  bool turns = false;
  std::uint64_t seed = 0;
};

/// What a job says about them.
ProblemBatchSettings problem_batch_settings(const Job& job);

/// This rank's part of the problems of training steps, with samples of both sides, in standard
/// coordinates, and what the model sees. What is drawn depends on the seed and the step alone, not
/// on ranks. Keeps references to both. Local.
class ProblemBatches {
 public:
  ProblemBatches(const ProblemBatchSettings& settings,
                 const distributed::Communicator& communicator, const CloudPopulation& population,
                 const ConditionalDescription& description);

  void draw(std::int64_t step);

  std::size_t count() const { return problems_.size(); }  ///< problems of this rank
  /// The number of this rank's first sample of a step, of all samples of the run.
  std::int64_t first_sample(std::int64_t step) const {
    return (step * settings_.batch + first_) * settings_.points;
  }
  /// Of the last draw().
  const std::vector<float>& x() const { return x_; }  ///< [count points, D]
  const std::vector<float>& y() const { return y_; }
  const SeenProblems& seen() const { return seen_; }

 private:
  ProblemBatchSettings settings_;
  const ConditionalDescription& description_;
  ProblemContexts contexts_;
  CloudSampler sampler_;
  kernels::CounterRandom turn_numbers_;
  std::int64_t first_ = 0;
  std::vector<std::int32_t> problems_;
  std::vector<Turn> turns_;
  std::vector<float> x_, y_;
  SeenProblems seen_;
};

}  // namespace otfleet
