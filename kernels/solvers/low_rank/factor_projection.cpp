#include "kernels/solvers/low_rank/factor_projection.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace otfleet::kernels {
namespace {

/// Adds the Hessian of sum_i a_i log sum_k exp(offset_k + <slope_k, x_i>) over the offsets to the
/// lower triangle of the block of `matrix` [size, size] that begins at (first, first).
void add_hessian(const Representatives& measure, const std::vector<double>& slopes,
                 const std::vector<double>& offsets, std::size_t first, std::size_t size,
                 std::vector<double>& matrix) {
  const std::size_t r = offsets.size(), d = slopes.size() / r;
  std::vector<double> share(r);
  for (std::size_t i = 0; i < measure.weights.size(); ++i) {
    const double* const x = measure.points.data() + i * d;
    double most = -INFINITY, sum = 0;
    for (std::size_t k = 0; k < r; ++k) {
      double exponent = offsets[k];
      for (std::size_t c = 0; c < d; ++c) exponent += slopes[k * d + c] * x[c];
      share[k] = exponent;
      most = std::max(most, exponent);
    }
    for (double& one : share) sum += one = std::exp(one - most);
    for (double& one : share) one /= sum;
    for (std::size_t k = 0; k < r; ++k) {
      double* const row = matrix.data() + (first + k) * size + first;
      const double weight = measure.weights[i] * share[k];
      if (!(weight > 0)) continue;
      for (std::size_t l = 0; l <= k; ++l) row[l] -= weight * share[l];
      row[k] += weight;
    }
  }
}

/// x = matrix^-1 x by Cholesky's method, of the lower triangle, which is overwritten. Pivots that
/// rounding made too small are replaced, so that x hardly moves along them.
void solve_positive(std::vector<double>& matrix, std::vector<double>& x) {
  const std::size_t size = x.size();
  for (std::size_t j = 0; j < size; ++j) {
    double* const row = matrix.data() + j * size;
    const double least = 1e-10 * row[j];
    for (std::size_t k = 0; k < j; ++k) {
      const double* const other = matrix.data() + k * size;
      double value = row[k];
      for (std::size_t l = 0; l < k; ++l) value -= row[l] * other[l];
      row[k] = value / other[k];
    }
    double pivot = row[j];
    for (std::size_t k = 0; k < j; ++k) pivot -= row[k] * row[k];
    row[j] = pivot > least ? std::sqrt(pivot) : INFINITY;
  }
  for (std::size_t j = 0; j < size; ++j) {
    for (std::size_t k = 0; k < j; ++k) x[j] -= matrix[j * size + k] * x[k];
    x[j] /= matrix[j * size + j];
  }
  for (std::size_t j = size; j-- > 0;) {
    x[j] /= matrix[j * size + j];
    for (std::size_t k = 0; k < j; ++k) x[k] -= matrix[j * size + k] * x[j];
  }
}

}  // namespace

FactorProjection::FactorProjection(const Representatives& source, const Representatives& target)
    : source_(source), target_(target) {}

FactorProjection::Result FactorProjection::project(const LowRankFactors& given, double tolerance,
                                                   int most_passes, const Pass& pass,
                                                   LowRankFactors& factors) const {
  const auto r = static_cast<std::size_t>(given.rank()), size = 2 * r;
  std::vector<double> masses(r), slope(size), matrix;
  const auto look = [&](const LowRankFactors& at, Result& result) {
    result.sums = pass(at);
    ++result.passes;
    double value = result.sums.source.log_sum + result.sums.target.log_sum;
    result.error = 0;
    for (std::size_t k = 0; k < r; ++k) {
      const double moved = at.source_offsets[k] - given.source_offsets[k] + at.target_offsets[k] -
                           given.target_offsets[k];
      masses[k] = std::exp(given.log_masses[k] - moved);
      value += masses[k];
      slope[k] = result.sums.source.masses[k] - masses[k];
      slope[r + k] = result.sums.target.masses[k] - masses[k];
      result.error += std::abs(slope[k]) + std::abs(slope[r + k]);
    }
    return value;
  };
  Result result;
  double value = look(factors, result);
  LowRankFactors next = factors;
  while (true) {
    result.done = result.error <= tolerance;
    if (result.done || result.passes >= most_passes || !std::isfinite(value)) break;
    matrix.assign(size * size, 0.0);
    add_hessian(source_, factors.source_slopes, factors.source_offsets, 0, size, matrix);
    add_hessian(target_, factors.target_slopes, factors.target_offsets, r, size, matrix);
    for (std::size_t k = 0; k < r; ++k) {
      matrix[k * size + k] += masses[k];
      matrix[(r + k) * size + k] += masses[k];
      matrix[(r + k) * size + r + k] += masses[k];
    }
    // What representatives do not see: the curvature is never that of nothing.
    for (std::size_t k = 0; k < size; ++k) matrix[k * size + k] *= 1 + 1e-6;
    std::vector<double> step = slope;
    solve_positive(matrix, step);
    double most = 0, expected = 0;
    for (std::size_t k = 0; k < size; ++k) {
      most = std::max(most, std::abs(step[k]));
      expected += step[k] * slope[k];
    }
    if (!std::isfinite(most) || !(expected > 0)) break;
    constexpr double longest_step = 30;
    double share = std::min(1.0, longest_step / most);
    bool lower = false;
    const double before = result.error;
    const FactorSums here = std::move(result.sums);
    while (result.passes < most_passes && share * most > 1e-13) {
      for (std::size_t k = 0; k < r; ++k) {
        next.source_offsets[k] = factors.source_offsets[k] - share * step[k];
        next.target_offsets[k] = factors.target_offsets[k] - share * step[r + k];
      }
      const double there = look(next, result);
      // Near the end the value's digits do not tell: the slope does.
      lower = there <= value - 1e-4 * share * expected ||
              (there <= value + 1e-10 * std::abs(value) && result.error < before);
      if (lower) {
        value = there;
        break;
      }
      share /= 4;
    }
    if (!lower) {
      result.sums = here;
      result.error = before;
      break;
    }
    std::swap(factors, next);
    next = factors;
  }
  for (std::size_t k = 0; k < r; ++k)
    factors.log_masses[k] = given.log_masses[k] -
                            (factors.source_offsets[k] - given.source_offsets[k]) -
                            (factors.target_offsets[k] - given.target_offsets[k]);
  return result;
}

}  // namespace otfleet::kernels
