#pragma once
#include "kernels/solvers/iteration_observer.hpp"

namespace otfleet::kernels {

struct BarycenterSettings {
  double epsilon = 1e-2;     ///< absolute, in units of the cost
  double threshold = 1e-3;   ///< on the residual
  int inner_iterations = 1;  ///< iterations between two looks at the residual
  int max_iterations = 2000;
  /// rho/(rho + epsilon) of the penalty rho KL on both marginals of every plan; 1: they are exact.
  double tau = 1;
  /// Without the blur that epsilon brings: the barycenter of Sinkhorn divergences. The cost has to
  /// be symmetric, tau 1.
  bool debiased = false;
  /// Nesterov's momentum with restarts (see Acceleration::momentum) on the dual; for debiased
  /// barycenters on the logarithms of all that is iterated, begun anew where the residual grows
  /// (ours; half the iterations or so). tau 1, ignored elsewhere.
  bool momentum = true;
  /// Goes on from the solution's potentials, and from its log_blur where that is not empty.
  bool from_solution = false;
  IterationObserver* observer = nullptr;  ///< may end the batch before it is done
};

}  // namespace otfleet::kernels
