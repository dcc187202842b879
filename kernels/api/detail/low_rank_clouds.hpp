#pragma once
#include <cstdint>
#include <vector>

#include "kernels/api/low_rank.hpp"
#include "kernels/counter_random.hpp"
#include "kernels/device_array.hpp"
#include "kernels/solvers/low_rank/factor_projection.hpp"

// The clouds of a problem of low rank, as the solver sees them. For low_rank.cpp alone.
namespace otfleet::kernels::detail {

using Numbers = std::vector<double>;

/// A measure as the solver sees it: weights that add up to 1, none of them 0, and points around
/// their mean, in the problem's unit. The mean is anchor + unit · mean: a point of the cloud, which
/// is taken off first, so that no digit of a cloud far from the origin is lost, and the rest.
struct PlacedCloud {
  Numbers weights, anchor, mean;
  Numbers points;                  ///< [n, width], of which the coordinates come first
  std::vector<std::int64_t> kept;  ///< which of the given points
  std::size_t given = 0;
  double variance = 0;  ///< sum_i a_i |x_i|²

  std::size_t size() const { return weights.size(); }
  std::size_t dimension() const { return anchor.size(); }
  std::size_t width() const { return points.size() / weights.size(); }
};

/// The same on the device.
struct DeviceCloud {
  DeviceArray<double, 2> points;
  DeviceArray<double> weights;
};

/// Measures as a cost sees them. Throws std::invalid_argument as LowRankProblem.
PlacedCloud place(const GroundCost& cost, std::size_t d, const WeightedPoints& given);
/// Adds the squared length of each point, less its mean, as a last coordinate.
void append_squares(PlacedCloud& cloud);
/// The length of the longest row of points.
double longest_row(const PlacedCloud& cloud);
/// What a shape with squares has in the constant of its distortion: twice the variance of squared
/// lengths, and four times the squared norm of the covariance.
double moments_of_shape(const PlacedCloud& cloud);
DeviceCloud upload_cloud(const PlacedCloud& cloud);

/// Points drawn by their weights, each once with how often it was drawn.
struct Drawn {
  std::vector<std::int64_t> which;
  Numbers shares;  ///< of all draws
};

/// One draw from each of `count` parts of equal weight, in the order of the points.
Drawn stratified(const Numbers& weights, std::size_t count, const CounterRandom& random);

/// Some of rows of d numbers.
Numbers gather_rows(const Numbers& rows, const std::vector<std::int64_t>& which, std::size_t d);

/// Of every row the least |x − y|² − height, and where.
struct Least {
  Numbers values;
  std::vector<int> which;
};
Least least_of(const DeviceArray<double, 2>& rows, const DeviceArray<double, 2>& columns,
               const Numbers& heights);

/// Rows of d numbers on the device.
DeviceArray<double, 2> upload_rows(const Numbers& rows, std::size_t d);

/// Points that stand for the measure: all of them, or the means of those around some that are
/// drawn.
Representatives represent(const PlacedCloud& cloud, const DeviceCloud& device, std::size_t count,
                          const CounterRandom& random);

inline constexpr std::size_t most_drawn = 8192;
/// Points of the measure, drawn by their weights; all where they are few.
Representatives draw(const PlacedCloud& cloud, const CounterRandom& random);

inline double dot(const double* x, const double* y, std::size_t d) {
  double sum = 0;
  for (std::size_t c = 0; c < d; ++c) sum += x[c] * y[c];
  return sum;
}

}  // namespace otfleet::kernels::detail
