#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/data/array_source.hpp"

namespace otfleet {

struct Job;

/// [metric]: sets of points, one after the other, from which a metric is learned.
struct MetricOptions {
  std::string sequence;            ///< one of set_sequence_names()
  ArraySource points;              ///< or yours, [T, N, 2]
  std::int64_t draws = 100;        ///< points of every set of a named sequence
  std::vector<double> box;         ///< where the metric lies; empty: around the points
  std::int64_t cells = 48;         ///< along each axis
  std::int64_t couple_every = 10;  ///< steps
  std::int64_t orient_steps = 50;
};

void add_keys(KeyList& keys, MetricOptions& metric);

/// The defaults of problem = "metric_learning", where they are others than those of populations.
void set_metric_defaults(Job& job);

/// What does not go together in a job that learns a metric, or asks for what only such a job can
/// have; empty: nothing is wrong. Local.
std::string metric_complaint(const Job& job);

}  // namespace otfleet
