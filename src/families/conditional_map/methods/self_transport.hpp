#pragma once
#include <cstdint>
#include <vector>

#include "src/families/linear/solver_options.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// Points [n, D] with weights of mass 1.
struct WeightedCloud {
  std::vector<double> points, shares;
};
WeightedCloud cloud_of(const CloudTable& table, std::int64_t measure, std::int64_t dimension);

/// The population of one problem between two clouds.
CloudPopulation pair_of(const WeightedCloud& x, const WeightedCloud& y, std::int64_t dimension);

/// The mean squared distance between points of two clouds; 1 where all are one point. Local.
double mean_cost_of(const WeightedCloud& x, const WeightedCloud& y, std::int64_t dimension);

/// An epsilon for entropic maps to a cloud, without a true map: of some shares of the mean cost
/// within the cloud that with which the entropic map from one half of it to the other, drawn at
/// random, moves points least, since the true one is the identity (as Kassraie et al. 2024, ProgOT,
/// choose it). Halves have 2,000 points at most; for clouds of fewer than 4 it is a tenth. Local.
/// Work: a solve between the halves for each of 6 shares.
double epsilon_by_self_transport(const WeightedCloud& cloud, std::int64_t dimension,
                                 const SolverOptions& settings, std::uint64_t seed);

}  // namespace otfleet
