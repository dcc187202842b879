#pragma once

namespace otfleet::kernels {

/// What a plan is to make small.
enum class LowRankObjective {
  linear,              ///< what moving its mass costs
  gromov_wasserstein,  ///< how differently its pairs are apart, by squared distances
};

/// How a plan of low rank is found.
struct LowRankSettings {
  LowRankObjective objective = LowRankObjective::linear;
  int rank = 10;            ///< at most: of fewer points there are fewer clusters
  double threshold = 1e-4;  ///< on the residual, see LowRankProblem
  /// Points that stand for a measure where the clusters begin, and in the bound; eight for each
  /// cluster where that is more, up to 4,096; of shapes a quarter, and up to 512 or the rank.
  int representatives = 1024;
  double bound_pairs = 4e9;  ///< of points, that the lower bound looks at; more are sampled
};

}  // namespace otfleet::kernels
