#pragma once
#include <span>

#include "kernels/solvers/semidiscrete/marginal_bounds.hpp"
#include "kernels/solvers/semidiscrete/settings.hpp"

// What samples say of the optimum of a semidiscrete problem. For semidiscrete.cpp alone.
namespace otfleet::kernels::detail {

/// Sums of numbers and of their squares.
struct SampleMoments {
  double sum = 0, square = 0;

  void add(double x) {
    sum += x;
    square += x * x;
  }
  double mean(double count) const { return sum / count; }
  /// Without bias; not below 0.
  double variance(double count) const;
};

/// Points around their mean, by squared distances, and potentials g of them.
struct CenteredPoints {
  std::span<const double> weights;    ///< [N], add up to 1
  std::span<const double> squares;    ///< [N], |y|²
  std::span<const double> potential;  ///< [N], of mean 0 by weights
  double mean_square = 0;             ///< |mean|², which their centering took from costs
  double longest = 0;                 ///< |y|, at most
  std::size_t d = 0;
  Noise noise;
};

/// E |x|².
double second_moment(const Noise& noise, std::size_t d);

/// Of fresh samples x, each at the point y where |x − y|² − g is least.
struct PlanSamples {
  SampleMoments transform;  ///< |x − y|² − g − |x|²
  SampleMoments potential;  ///< g
  SampleMoments height;     ///< g − |y|²
  Hits hits;

  double count() const { return 2 * static_cast<double>(hits.samples); }
};

struct OptimumBounds {
  double lower = 0, upper = 0;  ///< of the optimum without regularization, rounding included
  MarginalBounds marginals;
};

/// Each of six inequalities fails with a probability of at most `failure`.
OptimumBounds optimum_bounds(const CenteredPoints& points, const PlanSamples& samples,
                             double failure);

}  // namespace otfleet::kernels::detail
