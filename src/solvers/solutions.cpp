#include "src/solvers/solutions.hpp"

#include "src/solvers/append.hpp"

namespace otfleet {

using kernels::Status;

SolutionContents::SolutionContents(const Job& job) {
  if (job.seeks_potentials()) {
    kind = Kind::mapped_points;
    wanted.potentials = false;
  } else {
    kind = job.problem.balanced() ? Kind::balanced : Kind::unbalanced;
    wanted = job.solution;
  }
}

void Solutions::add(const kernels::Certificates<ExecutionSpace>& certificates,
                    const Vector<int, ExecutionSpace>& more_iterations,
                    const Vector<int, ExecutionSpace>& more_status) {
  append(dual_value, certificates.dual_value);
  append(transport_cost, certificates.transport_cost);
  append(upper_bound, certificates.upper_bound);
  append(lower_bound, certificates.lower_bound);
  append(marginal_error, certificates.marginal_error);
  append(iterations, more_iterations);
  append(status, more_status);
}

void Solutions::clear_figures() {
  for (const auto column :
       {&Solutions::dual_value, &Solutions::transport_cost, &Solutions::upper_bound,
        &Solutions::lower_bound, &Solutions::marginal_error, &Solutions::divergence,
        &Solutions::regularized_ott, &Solutions::regularized_geomloss})
    (this->*column).clear();
  iterations.clear();
  status.clear();
}

void Solutions::judge(double threshold) {
  // The certificate has the last word, but for the rounding of its own sums.
  const double limit = threshold * (1 + 1e-6);
  for (std::size_t k = 0; k < status.size(); ++k)
    if (status[k] == static_cast<int>(Status::converged) && !(marginal_error[k] < limit))
      status[k] = static_cast<int>(Status::precision_limit);
}

}  // namespace otfleet
