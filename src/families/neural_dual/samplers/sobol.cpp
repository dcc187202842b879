#include "src/families/neural_dual/samplers/sobol.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

#include "kernels/counter_random.hpp"

namespace otfleet {
namespace {

/// Polynomials over two elements are bit masks: bit k is the coefficient of x^k.
int degree_of(std::uint32_t polynomial) {
  return std::bit_width(polynomial) - 1;
}

/// Does x generate all 2^degree − 1 nonzero remainders?
bool is_primitive(std::uint32_t polynomial) {
  const int degree = degree_of(polynomial);
  const std::uint32_t all = (1u << degree) - 1;
  std::uint32_t power = 1;
  for (std::uint32_t count = 1; count <= all; ++count) {
    power <<= 1;
    if (power >> degree & 1) power ^= polynomial;
    if (power == 1) return count == all;
  }
  return false;
}

/// The next primitive polynomial in the order of their masks, which is that of their degrees.
std::uint32_t next_primitive(std::uint32_t polynomial) {
  do polynomial += 2;  // one without the constant is a multiple of x
  while (!is_primitive(polynomial));
  return polynomial;
}

/// The bits in the opposite order.
std::uint32_t reversed(std::uint32_t x) {
  x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
  x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
  x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
  x = (x >> 8 & 0x00ff00ffu) | (x & 0x00ff00ffu) << 8;
  return x >> 16 | x << 16;
}

/// A permutation in which every bit is flipped or not by those above it and the seed: the hash of
/// Laine & Karras as Burley 2020 uses it, with the constants of Vegdahl 2021 ('Building a better LK
/// hash').
std::uint32_t scrambled(std::uint32_t x, std::uint32_t seed) {
  x = reversed(x);
  x ^= x * 0x3d20adeau;
  x += seed;
  x *= (seed >> 16) | 1;
  x ^= x * 0x05526c56u;
  x ^= x * 0x53a22864u;
  return reversed(x);
}

}  // namespace

Sobol::Sobol(std::int64_t dimensions, std::uint64_t seed, std::uint64_t stream) {
  const auto count = static_cast<std::size_t>(std::min(dimensions, most_dimensions));
  const kernels::CounterRandom initial(0, 0), scramble(seed, stream);
  directions_.resize(count * bits);
  scrambles_.resize(count);
  std::uint32_t polynomial = 1;
  for (std::size_t dimension = 0; dimension < count; ++dimension) {
    scrambles_[dimension] = static_cast<std::uint32_t>(scramble.bits(dimension) >> 32);
    std::uint32_t* const v = directions_.data() + dimension * bits;
    if (dimension == 0) {  // van der Corput's
      for (int k = 0; k < bits; ++k) v[k] = 1u << (bits - 1 - k);
      continue;
    }
    polynomial = dimension == 1 ? 3u : next_primitive(polynomial);
    const int degree = degree_of(polynomial);
    for (int k = 0; k < bits; ++k) {
      if (k < degree) {  // an odd number below 2^(k + 1)
        const auto drawn = static_cast<std::uint32_t>(
            initial.below(1u << k, dimension * bits + static_cast<std::uint64_t>(k)));
        v[k] = (2 * drawn + 1) << (bits - 1 - k);
        continue;
      }
      v[k] = v[k - degree] ^ (v[k - degree] >> degree);
      for (int j = 1; j < degree; ++j)
        if (polynomial >> (degree - j) & 1) v[k] ^= v[k - j];
    }
  }
}

double Sobol::coordinate(std::int64_t sample, std::int64_t dimension) const {
  const auto number = static_cast<std::uint32_t>(sample);
  const auto place = static_cast<std::size_t>(dimension);
  const std::uint32_t* v = directions_.data() + place * bits;
  std::uint32_t x = 0;
  for (std::uint32_t gray = number ^ number >> 1; gray != 0; gray >>= 1, ++v)
    x ^= (gray & 1) != 0 ? *v : 0;
  return (scrambled(x, scrambles_[place]) + 0.5) * 0x1.0p-32;
}

}  // namespace otfleet
