#pragma once
#include <cmath>
#include <cstdint>

namespace otfleet {

/// How much of the barriers there is at a step of training: grows from nothing to 1 over
/// `anneal_steps`, as the sigmoid of the code of arXiv 2406.00288.
inline double annealed_share(std::int64_t step, std::int64_t anneal_steps) {
  if (step >= anneal_steps) return 1;
  const double time = static_cast<double>(step) / static_cast<double>(anneal_steps);
  return 1 / (1 + std::exp(-10 * (time - 0.5)));
}

}  // namespace otfleet
