#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/counter_random.hpp"

namespace otfleet {

/// A random orthogonal matrix Q [D, D]: a rotation, with or without a reflection, uniform over all.
class Turn {
 public:
  /// Number `number` of a stream. Work: of order D³.
  Turn(std::int64_t dimension, const kernels::CounterRandom& random, std::uint64_t number);

  /// Rows of points [n, D] become Q x.
  void apply(std::span<float> points) const;
  std::vector<double> vector(std::span<const double> x) const;
  /// Q M Qᵀ of M [D, D].
  std::vector<double> matrix(std::span<const double> m) const;

 private:
  std::size_t dimension_;
  std::vector<double> rows_;
};

}  // namespace otfleet
