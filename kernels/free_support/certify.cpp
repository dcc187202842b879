#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/free_support/checks.hpp"
#include "kernels/free_support/free_support.hpp"
#include "kernels/free_support/group.hpp"
#include "kernels/free_support/moves.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

/// A sum of bounds that holds whatever rounding does to it; `sign` 1 for upper bounds, −1 for lower
/// ones.
double safe_sum(double sum, double sizes, std::size_t terms, double sign) {
  const double rounding =
      static_cast<double>(terms + 4) * std::numeric_limits<double>::epsilon() * sizes;
  return sum + sign * rounding;
}

}  // namespace

template <class ExecutionSpace>
FreeSupportFigures certify_free_supports(const ExecutionSpace& space,
                                         const FreeSupportBatch<ExecutionSpace>& problems,
                                         double epsilon,
                                         const FreeSupports<ExecutionSpace>& supports,
                                         const Matrix<double, ExecutionSpace>& potentials) {
  check_free_supports(problems, epsilon, supports);
  const auto batch = static_cast<std::size_t>(problems.size());
  std::vector<int> all(batch);
  std::iota(all.begin(), all.end(), 0);
  const FreeSupportGroup<ExecutionSpace> group(space, problems, supports, all, epsilon);
  const auto transports = group.transports.measure.size();
  Certificates<ExecutionSpace> certificates(static_cast<int>(transports));
  const Vector<double, ExecutionSpace> g(potentials.data(), potentials.size());
  certify<ExecutionSpace>(space, group.batch, epsilon, group.f, g, certificates);
  const auto dual = host_copy(certificates.dual_value),
             cost = host_copy(certificates.transport_cost),
             upper = host_copy(certificates.upper_bound),
             lower = host_copy(certificates.lower_bound),
             error = host_copy(certificates.marginal_error);
  const std::vector<double> zeros(batch, 0.0);
  FreeSupportFigures figures{zeros, zeros, zeros, zeros, zeros};
  for (std::size_t k = 0; k < batch; ++k) {
    double upper_sizes = 0, lower_sizes = 0;
    const auto first = static_cast<std::size_t>(group.transports.begin[k]),
               last = static_cast<std::size_t>(group.transports.begin[k + 1]);
    for (std::size_t t = first; t < last; ++t) {
      const double share = group.transports.share[t];
      figures.marginal_error[k] = std::max(figures.marginal_error[k], error[t]);
      if (std::isnan(error[t])) figures.marginal_error[k] = error[t];
      if (!(share > 0)) continue;
      figures.dual_value[k] += share * dual[t];
      figures.transport_cost[k] += share * cost[t];
      figures.upper_bound[k] += share * upper[t];
      figures.lower_bound[k] += share * lower[t];
      upper_sizes += share * std::abs(upper[t]);
      lower_sizes += share * std::abs(lower[t]);
    }
    figures.upper_bound[k] = safe_sum(figures.upper_bound[k], upper_sizes, last - first, 1);
    figures.lower_bound[k] = safe_sum(figures.lower_bound[k], lower_sizes, last - first, -1);
  }
  return figures;
}

#define OTFLEET_INSTANTIATE(Space)                                                      \
  template FreeSupportFigures certify_free_supports<Space>(                             \
      const Space&, const FreeSupportBatch<Space>&, double, const FreeSupports<Space>&, \
      const Matrix<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
