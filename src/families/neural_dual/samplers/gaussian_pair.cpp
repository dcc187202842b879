#include "src/families/neural_dual/samplers/gaussian_pair.hpp"

#include <cmath>

#include "src/families/neural_dual/samplers/sample_numbers.hpp"

namespace otfleet {
namespace {

using Values = std::vector<double>;

// Streams of the seed that samplers, which count from 0, do not reach.
constexpr std::uint64_t mean_stream = ~std::uint64_t{0}, slope_stream = mean_stream - 1,
                        root_stream = mean_stream - 2;

Values product(const Values& a, const Values& b, std::size_t d) {
  Values c(d * d);
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t k = 0; k < d; ++k)
      for (std::size_t j = 0; j < d; ++j) c[i * d + j] += a[i * d + k] * b[k * d + j];
  return c;
}

/// C Cᵀ.
Values square(const Values& c, std::size_t d) {
  Values result(d * d);
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j < d; ++j)
      for (std::size_t k = 0; k < d; ++k) result[i * d + j] += c[i * d + k] * c[j * d + k];
  return result;
}

/// H diag(spectrum) H, H the product of two reflections and its transpose.
Values symmetric(const Values& spectrum, const Values& u, const Values& v) {
  const std::size_t d = spectrum.size();
  Values matrix(d * d);
  for (std::size_t i = 0; i < d; ++i) matrix[i * d + i] = spectrum[i];
  for (const Values& normal : {u, v}) {
    double length = 0;
    for (const double value : normal) length += value * value;
    Values reflection(d * d);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j)
        reflection[i * d + j] = (i == j) - 2 * normal[i] * normal[j] / length;
    matrix = product(reflection, product(matrix, reflection, d), d);
  }
  return matrix;
}

/// A random one with eigenvalues in [low, high], and its inverse.
struct RandomMatrix {
  Values matrix, inverse;
};

RandomMatrix random_matrix(const NumberSource& source, std::size_t d, double low, double high) {
  SampleNumbers numbers(source, 0);
  Values spectrum(d), inverse(d), u(d), v(d);
  for (std::size_t i = 0; i < d; ++i) {
    spectrum[i] = low * std::pow(high / low, numbers.uniform());
    inverse[i] = 1 / spectrum[i];
  }
  for (double& value : u) value = numbers.normal();
  for (double& value : v) value = numbers.normal();
  return {symmetric(spectrum, u, v), symmetric(inverse, u, v)};
}

/// to = end + matrix (from − begin), row by row.
void affine(std::int64_t count, const Values& matrix, const Values& begin, const Values& end,
            const double* from, double* to) {
  const std::size_t d = begin.size();
  Values centered(d);
  for (std::int64_t row = 0; row < count; ++row, from += d, to += d) {
    for (std::size_t i = 0; i < d; ++i) centered[i] = from[i] - begin[i];
    for (std::size_t i = 0; i < d; ++i) {
      double sum = end[i];
      for (std::size_t j = 0; j < d; ++j) sum += matrix[i * d + j] * centered[j];
      to[i] = sum;
    }
  }
}

}  // namespace

GaussianPair::GaussianPair(std::int64_t dimension, std::uint64_t seed)
    : dimension_(dimension), seed_(seed) {
  const auto d = static_cast<std::size_t>(dimension);
  const auto numbers_of = [&](std::uint64_t stream) {
    return NumberSource(SampleSequence::random, seed, stream, 0);
  };
  const RandomMatrix slope = random_matrix(numbers_of(slope_stream), d, 0.5, 2);
  slope_ = slope.matrix;
  inverse_slope_ = slope.inverse;
  const NumberSource mean_source = numbers_of(mean_stream);
  SampleNumbers numbers(mean_source, 0);
  for (GaussianMixture* const side : {&source_, &target_}) {
    side->dimension = dimension;
    side->weights = {1};
    for (std::size_t i = 0; i < d; ++i) side->means.push_back(numbers.normal());
  }
  source_.roots = random_matrix(numbers_of(root_stream), d, 0.5, 1.5).matrix;
  target_.roots = product(slope_, source_.roots, d);
}

SamplerPair GaussianPair::samplers(std::uint64_t pair_stream) const {
  return {
      std::make_unique<GaussianMixtureSampler>(source_, seed_, source_stream(pair_stream)),
      std::make_unique<GaussianMixtureSampler>(target_, seed_, target_stream(pair_stream)),
      "gaussian",
  };
}

void GaussianPair::map(std::int64_t count, const double* x, double* y) const {
  affine(count, slope_, source_.means, target_.means, x, y);
}

void GaussianPair::inverse_map(std::int64_t count, const double* y, double* x) const {
  affine(count, inverse_slope_, target_.means, source_.means, y, x);
}

double GaussianPair::distance() const {
  const auto d = static_cast<std::size_t>(dimension_);
  const Values from = source_covariance(), to = target_covariance(),
               both = product(slope_, from, d);
  double sum = 0;
  for (std::size_t i = 0; i < d; ++i) {
    const double shift = source_.means[i] - target_.means[i];
    sum += shift * shift + from[i * d + i] + to[i * d + i] - 2 * both[i * d + i];
  }
  return std::sqrt(sum);
}

Values GaussianPair::source_covariance() const {
  return square(source_.roots, static_cast<std::size_t>(dimension_));
}

Values GaussianPair::target_covariance() const {
  return square(target_.roots, static_cast<std::size_t>(dimension_));
}

}  // namespace otfleet
