#pragma once
#include <optional>

#include "kernels/solvers/iteration_observer.hpp"

namespace otfleet::kernels {

/// Entropic OT whose marginals need not be exact. P is the plan, r = P1, c = P'1:
///   <C, P> + epsilon KL(P | a b') + rho_a KL(r | a) + rho_b KL(c | b)
/// with tau = rho/(rho + epsilon) on either side, tau = 1 being the constraint r = a (the
/// parametrization and the objective of OTT-JAX); or, where a share is transported,
///   <C, P> + epsilon KL(P | a b')  with r <= a, c <= b, sum P = share · min(mass a, mass b).
struct UnbalancedSettings {
  double epsilon = 1e-2;                         ///< absolute, in units of the cost
  double tau_a = 1, tau_b = 1;                   ///< in (0, 1]
  std::optional<double> transported_share = {};  ///< in (0, 1]; tau_a and tau_b are then 1
  double threshold = 1e-3;                       ///< on the residual
  int inner_iterations = 1;                      ///< iterations between two looks at the residual
  int max_iterations = 2000;
  bool from_solution = false;  ///< solve_unbalanced(): goes on from the solution's potentials
  bool from_f_alone = false;   ///< the same, g unknown; for points of the measures' own
  IterationObserver* observer = nullptr;  ///< may end the batch before it is done
};

}  // namespace otfleet::kernels
