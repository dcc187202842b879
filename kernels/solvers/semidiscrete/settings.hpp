#pragma once
#include <cstdint>

namespace otfleet::kernels {

/// What is sampled.
enum class NoiseKind {
  gaussian,  ///< normal, of mean zero and standard deviation `scale` along every coordinate
  uniform,   ///< uniform on the cube [−scale, scale]^d
};

struct Noise {
  NoiseKind kind = NoiseKind::gaussian;
  double scale = 1;
};

/// How transport of noise to points is found.
struct SemidiscreteSettings {
  Noise noise;
  double epsilon = 0;      ///< cost; 0: each sample goes to one point
  double threshold = 0.1;  ///< on the marginal error, see SemidiscreteProblem
  /// Begins with few of the points where they have at most so many coordinates; beyond, a quadratic
  /// start is as good.
  int warm_start_coordinates = 4;
  /// That judge a solution; 0: as many as the threshold needs, and more where they cost little.
  std::int64_t certificate_samples = 0;
};

}  // namespace otfleet::kernels
