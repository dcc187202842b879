#pragma once

namespace otfleet::kernels {

/// Coordinates of points that starts from Gaussians, and from mixtures of them, take: matrices of
/// so many rows are decomposed for every problem.
inline constexpr int most_gaussian_dimension = 64, most_mixture_dimension = 3;

struct GaussianMixtureSettings {
  double epsilon = 1e-2;
  int components = 8;  ///< of each measure: 1, 2, 4, 8 or 16; fewer where it has fewer points
  int iterations = 5;  ///< of k-means
};

struct PreviousEpsilonSettings {
  double epsilon = 1e-2;     ///< of the problems to come; stages lie above it
  double factor = 4;         ///< between the epsilons of two stages, > 1
  double threshold = 0.02;   ///< error of every stage, a share of the mass
  int max_iterations = 200;  ///< of every stage
};

struct SubsampleSettings {
  double epsilon = 1e-2;
  int stride = 2;            ///< points of an axis, or of a cloud, that become one
  double threshold = 0.01;   ///< error of the smaller problem, a share of the mass
  int max_iterations = 500;  ///< of the smaller problem
};

}  // namespace otfleet::kernels
