#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/api/detail/semidiscrete_ascent.hpp"

// Where the semidiscrete solver begins. For semidiscrete.cpp alone.
namespace otfleet::kernels::detail {

/// The points of a problem, in an order that has nothing to do with them, and in units.
struct UnitPoints {
  NoiseKind noise = NoiseKind::gaussian;
  double temperature = 0;
  std::size_t d = 0;
  std::vector<float> rows;  ///< [N, d], around their mean; the longest is 1 long
  PotentialValues weights;  ///< [N], add up to 1
  PotentialValues squares;  ///< [N], of lengths

  std::size_t count() const { return weights.size(); }
  /// Winners among every so many of them.
  NoiseWinners winners(std::size_t stride) const;
};

/// Clusters of points around every eighth of them, which is the nearest one, clusters of these, and
/// so on, until they are few: level l is that of points 0, 8^l, 2 · 8^l, …, and clusters[l] has a
/// member for each. Nothing where points are few.
std::vector<PointClusters> cluster_points(const UnitPoints& points);

/// Clusters of the points of a level, from the finest: those of clusters, clusters of these, ….
std::vector<PointClusters> clusters_above(const std::vector<PointClusters>& clusters,
                                          std::size_t level);

/// Heights of all points, from ascents on every level but the finest, each from the one above: a
/// point takes its weight where samples are shared out by a soft maximum that is as soft as
/// clusters are coarse. Fills paces of clusters. Nothing if `goes_on` says so.
PotentialValues heights_by_levels(const UnitPoints& points, std::vector<PointClusters>& clusters,
                                  std::uint64_t stream, const std::function<bool()>& goes_on);

}  // namespace otfleet::kernels::detail
