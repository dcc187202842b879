#include "src/runs/solutions.hpp"

#include <algorithm>
#include <cmath>

#include "src/runs/append.hpp"

namespace otfleet {

using kernels::Status;

namespace {

/// Of potentials of problem k, where any are kept.
bool has_nan(const std::vector<double>& potentials, std::size_t k, std::size_t problems,
             const std::vector<std::int64_t>& offsets) {
  const std::size_t length = potentials.size() / problems;
  const auto begin = offsets.empty() ? k * length : static_cast<std::size_t>(offsets[k]);
  const auto end = offsets.empty() ? begin + length : static_cast<std::size_t>(offsets[k + 1]);
  return !potentials.empty() && std::any_of(potentials.begin() + begin, potentials.begin() + end,
                                            [](double potential) { return std::isnan(potential); });
}

}  // namespace

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

void Solutions::set_status(double threshold, const std::vector<std::int64_t>& source_offsets,
                           const std::vector<std::int64_t>& target_offsets) {
  const std::size_t problems = status.size();
  for (std::size_t k = 0; k < problems; ++k) {
    bool finite =
        !has_nan(f, k, problems, source_offsets) && !has_nan(g, k, problems, target_offsets);
    for (const auto figures :
         {&dual_value, &transport_cost, &upper_bound, &lower_bound, &marginal_error})
      finite = finite && std::isfinite((*figures)[k]);
    const auto why = static_cast<Status>(status[k]);
    status[k] =
        static_cast<std::int32_t>(kernels::final_status(why, marginal_error[k], threshold, finite));
  }
}

}  // namespace otfleet
