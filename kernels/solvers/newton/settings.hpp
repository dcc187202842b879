#pragma once
#include <cstddef>

#include "kernels/solvers/iteration_observer.hpp"

namespace otfleet::kernels {

struct NewtonSettings {
  double epsilon = 1e-2;     ///< absolute, in units of the cost
  double threshold = 1e-3;   ///< on the L1 marginal error, a share of the mass
  int max_iterations = 500;  ///< passes over the cost, see newton()
  /// What a softmin may leave out: at most this share of its sum. 0: a thousandth of the threshold,
  /// between 1e-16 and 1e-7; 1e-16 is exact to rounding. It hides at most 2 truncation of
  /// the error, for which the threshold is lowered (to one half at most).
  double truncation = 0;
  /// For the working memory of all teams; fewer teams run at once where it is short.
  std::size_t memory_limit = std::size_t(4) << 30;
  /// May end the batch before it is done: a potential then is one of the epsilon reached so far.
  IterationObserver* observer = nullptr;
};

}  // namespace otfleet::kernels
