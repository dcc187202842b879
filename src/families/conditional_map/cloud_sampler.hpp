#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/counter_random.hpp"
#include "src/families/neural_dual/standardization.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// Draws problems of a population, and points of their measures by weight, with replacement. What
/// is drawn depends on the seed and on numbers of the whole run alone, not on ranks. Keeps a
/// reference to the population. Local.
class CloudSampler {
 public:
  CloudSampler(const CloudPopulation& population, std::uint64_t seed);

  /// The problem of draw number `draw`.
  std::int32_t problem(std::int64_t draw) const;

  /// Points of a problem's source or target, in these coordinates, to `to` [count, D].
  void points(std::int32_t problem, bool source, std::int64_t draw, std::int64_t count,
              const StandardCoordinates& coordinates, float* to) const;

 private:
  /// Running sums of weights [total] of a table; empty where all points of a measure weigh the
  /// same.
  static std::vector<double> running_sums(const CloudTable& table);
  std::int64_t row_of(bool source, std::int64_t measure, double number) const;

  const CloudPopulation& population_;
  std::vector<double> source_sums_, target_sums_;
  kernels::CounterRandom problems_, source_numbers_, target_numbers_;
};

}  // namespace otfleet
