#pragma once
#include <cstdint>
#include <vector>

#include "kernels/device_views.hpp"
#include "kernels/solvers/semidiscrete/settings.hpp"
#include "kernels/solvers/semidiscrete/winners.hpp"

// What the semidiscrete solver asks of samples and how it climbs. For semidiscrete.cpp alone.
namespace otfleet::kernels::detail {

using PotentialValues = std::vector<double>;

/// Winners of batches of noise among some points, in units: noise has the scale 1, the longest
/// point is 1 long, and scores are as large as their products.
class NoiseWinners {
 public:
  static constexpr int batch = Winners<DeviceSpace>::batch;

  /// `points` [N, d]. With its rotations a batch is so many times as large.
  NoiseWinners(NoiseKind noise, const std::vector<float>& points, std::size_t d, double temperature,
               int rotations);

  /// Samples of a batch with its rotations.
  std::int64_t samples_of_batch() const { return static_cast<std::int64_t>(rotations_) * batch; }
  /// Of the points [N], as Winners has them.
  void set_heights(const PotentialValues& heights);

  /// The keys of the winners of batch `number` of a stream; without rotations they are of samples
  /// batch · number …; `soft`: by the temperature.
  std::vector<std::uint64_t> winners(std::uint64_t stream, std::int64_t number, bool rotates,
                                     bool soft);
  /// The samples of the last call, before rotations [batch, d].
  Matrix<const float, Kokkos::HostSpace> samples() const;
  /// The same of a batch of rows [batch, d] that are given.
  std::vector<std::uint64_t> winners_of(const std::vector<float>& rows);
  /// Of every point the log of the mean over samples of batches 0 … of exp((its score − the score
  /// of the best of `few`) / temperature). `few` has heights of its own.
  PotentialValues log_shares(NoiseWinners& few, std::uint64_t stream, int batches,
                             double temperature);
  /// See Winners.
  double mean_gap(std::uint64_t stream, std::int64_t number);

 private:
  Noise noise_;
  float temperature_;
  std::size_t count_;
  Winners<DeviceSpace> ranking_;
  Matrix<float, DeviceSpace> samples_;
  Vector<float, DeviceSpace> heights_;
  int rotations_;
};

/// Clusters of points, whose shares are corrected together: few counts say much of them. With them
/// an ascent takes as many steps for many points as for few.
struct PointClusters {
  std::vector<int> member;  ///< [N], the cluster of each point
  PotentialValues weights;  ///< of the clusters, add up to 1
  double pace = 0;          ///< of an ascent with a point for each cluster
};

/// Where an ascent stands. Heights are those of Winners, in the units of NoiseWinners.
struct Ascent {
  PotentialValues heights, averages;
  double pace = 0;  ///< the mean gap between the best and the second best point
  int steps = 0;

  /// From heights.
  explicit Ascent(PotentialValues start = {}) : heights(start), averages(std::move(start)) {}
};

/// Samples of a step.
std::int64_t samples_of_step(std::size_t points, std::int64_t samples_of_batch);

/// The next step towards shares that are `weights` [N], which add up to 1.
void climb(NoiseWinners& winners, const PotentialValues& weights,
           const std::vector<PointClusters>& levels, std::uint64_t stream, Ascent& ascent);

/// The chi-square distance of shares from weights, without bias, which may be below 0, and about
/// its standard error.
struct ChiSquare {
  double value = 0, error = 0;
};
/// From how often each point was hit by independent samples (Mousavi-Hosseini et al. 2025, equation
/// 3.5).
ChiSquare chi_square(const PotentialValues& weights, const std::vector<std::int64_t>& hits,
                     std::int64_t samples);
/// The same from groups of so many samples, which are independent of other groups' alone.
ChiSquare chi_square_of_groups(const PotentialValues& weights,
                               const std::vector<std::vector<std::int64_t>>& hits,
                               std::int64_t samples_of_group);

/// Adds up how often points won.
void count_winners(const std::vector<std::uint64_t>& keys, std::vector<std::int64_t>& counts);

}  // namespace otfleet::kernels::detail
