#pragma once
namespace otfleet::kernels {

/// How the minimizer of one point ended.
enum class ConjugateStatus : int {
  converged = 0,   ///< |∇f(x) − y| is below the tolerance
  step_limit = 1,  ///< it is not, after max_steps
  stalled = 2,     ///< no step makes J smaller: rounding, or a kink
  unbounded = 3,   ///< x has gone further from its start than `most_distance`
  not_finite = 4,  ///< f has no finite value or gradient at the start
};

enum class LineSearch {
  armijo,  ///< backtracking until J has fallen enough
  wolfe,   ///< and until its slope has risen enough, longer steps included
};

struct LbfgsSettings {
  int memory = 10;                   ///< pairs kept of each point, at least 1
  int max_steps = 100;               ///< of each point
  double gradient_tolerance = 1e-3;  ///< on the Euclidean norm of ∇J, in units of y
  LineSearch line_search = LineSearch::armijo;
  int max_trials = 30;         ///< evaluations in one line search
  double decrease = 1e-4;      ///< share of the decrease that the slope promises (Armijo)
  double curvature = 0.9;      ///< share of the slope that may be left (Wolfe)
  double most_distance = 1e6;  ///< from the start, in units of 1 + |start|
};

struct AdamDescentSettings {
  int max_steps = 100;
  double gradient_tolerance = 1e-3;
  double learning_rate = 0.1;  ///< of the first step; falls to zero by a cosine
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double most_distance = 1e6;
};

/// What MixedLbfgs asks of float at most, in units of y: nearer to float's rounding steps are lost.
inline constexpr double least_rough_tolerance = 1e-5;

}  // namespace otfleet::kernels
