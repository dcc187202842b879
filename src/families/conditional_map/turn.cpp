#include "src/families/conditional_map/turn.hpp"

#include <cmath>

#include "src/families/neural_dual/samplers/inverse_normal.hpp"

namespace otfleet {

Turn::Turn(std::int64_t dimension, const kernels::CounterRandom& random, std::uint64_t number)
    : dimension_(static_cast<std::size_t>(dimension)), rows_(dimension_ * dimension_) {
  for (std::size_t at = 0; at < rows_.size(); ++at)
    rows_[at] = inverse_normal(random.uniform(number * rows_.size() + at) + 0x1p-54);
  // Gram and Schmidt, each row twice against those before.
  for (std::size_t i = 0; i < dimension_; ++i) {
    double* const row = rows_.data() + i * dimension_;
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t j = 0; j < i; ++j) {
        const double* const other = rows_.data() + j * dimension_;
        double product = 0;
        for (std::size_t k = 0; k < dimension_; ++k) product += row[k] * other[k];
        for (std::size_t k = 0; k < dimension_; ++k) row[k] -= product * other[k];
      }
    double square = 0;
    for (std::size_t k = 0; k < dimension_; ++k) square += row[k] * row[k];
    for (std::size_t k = 0; k < dimension_; ++k) row[k] /= std::sqrt(square);
  }
}

void Turn::apply(std::span<float> points) const {
  std::vector<double> x(dimension_);
  for (std::size_t row = 0; row < points.size(); row += dimension_) {
    for (std::size_t i = 0; i < dimension_; ++i) x[i] = static_cast<double>(points[row + i]);
    const auto y = vector(x);
    for (std::size_t i = 0; i < dimension_; ++i) points[row + i] = static_cast<float>(y[i]);
  }
}

std::vector<double> Turn::vector(std::span<const double> x) const {
  std::vector<double> y(dimension_, 0.0);
  for (std::size_t i = 0; i < dimension_; ++i)
    for (std::size_t j = 0; j < dimension_; ++j) y[i] += rows_[i * dimension_ + j] * x[j];
  return y;
}

std::vector<double> Turn::matrix(std::span<const double> m) const {
  std::vector<double> half(m.size(), 0.0), result(m.size(), 0.0);
  for (std::size_t i = 0; i < dimension_; ++i)
    for (std::size_t k = 0; k < dimension_; ++k)
      for (std::size_t j = 0; j < dimension_; ++j)
        half[i * dimension_ + j] += rows_[i * dimension_ + k] * m[k * dimension_ + j];
  for (std::size_t i = 0; i < dimension_; ++i)
    for (std::size_t j = 0; j < dimension_; ++j)
      for (std::size_t k = 0; k < dimension_; ++k)
        result[i * dimension_ + j] += half[i * dimension_ + k] * rows_[j * dimension_ + k];
  return result;
}

}  // namespace otfleet
