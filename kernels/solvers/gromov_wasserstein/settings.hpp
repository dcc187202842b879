#pragma once

namespace otfleet::kernels {

class IterationObserver;

/// How Gromov–Wasserstein problems are solved.
struct GromovWassersteinSettings {
  double epsilon = 0;       ///< in units of the squared inner cost
  double alpha = 1;         ///< weight of the distortion; 1 − alpha is that of features
  double threshold = 1e-4;  ///< on the residual and on the marginal error, shares of the mass
  IterationObserver* observer = nullptr;  ///< may be null; sees the outer loop
};

}  // namespace otfleet::kernels
