#pragma once
namespace otfleet::kernels {

/// Sums over one batch of minimizers.
struct DualLoss {
  double value = 0;            ///< sum over samples of f(x) + f*(y), divided by `batch`
  double start_residuals = 0;  ///< sum of |∇f − y| at the starts
  double steps = 0, evaluations = 0, converged = 0, left_out = 0;
};

}  // namespace otfleet::kernels
