#pragma once
#include <vector>

// The plain double reference that every kernel must match: one dense problem, nested loops, always
// in the logarithmic domain. The conventions are those of kernels/solvers/sinkhorn/sinkhorn.hpp and
// certificate.hpp.

namespace otfleet::kernels::test {

struct DenseProblem {
  int n = 0, m = 0;
  std::vector<double> a, b;  ///< equal masses
  std::vector<double> cost;  ///< [n, m]
  double epsilon = 0;

  double c(int i, int j) const { return cost[static_cast<std::size_t>(i) * m + j]; }
  double mass() const;
};

struct ReferenceSolution {
  std::vector<double> f;
  int iterations = 0;
  bool converged = false;
  std::vector<double> errors;  ///< entry t: after t iterations
};

/// −inf for 0, without raising a floating-point exception.
double log_or_nothing(double x);

/// g_j = epsilon log b_j − epsilon log sum_i exp((f_i − C_ij)/epsilon).
std::vector<double> half_step(const DenseProblem& problem, const std::vector<double>& f);
/// The same with the roles exchanged.
std::vector<double> update_f(const DenseProblem& problem, const std::vector<double>& g);
/// P_ij = exp((f_i + g_j − C_ij)/epsilon), [n, m].
std::vector<double> plan(const DenseProblem& problem, const std::vector<double>& f,
                         const std::vector<double>& g);
ReferenceSolution solve_reference(const DenseProblem& problem, std::vector<double> f,
                                  double threshold, int inner_iterations, int max_iterations);

// What certify() and semi_dual() report; each starts from f alone.
double marginal_error(const DenseProblem& problem, const std::vector<double>& f);
double dual_value(const DenseProblem& problem, const std::vector<double>& f);
double transport_cost(const DenseProblem& problem, const std::vector<double>& f);
double upper_bound(const DenseProblem& problem, const std::vector<double>& f);
double lower_bound(const DenseProblem& problem, const std::vector<double>& f);
/// The part of it that comes from f.
double dual_bound(const DenseProblem& problem, const std::vector<double>& f);
std::vector<double> gradient(const DenseProblem& problem, const std::vector<double>& f);

/// The same problem from the target to the source.
DenseProblem transposed(const DenseProblem& problem);
/// sum_j P_ij y_j / sum_j P_ij, [n, d], for points y [m, d]; NaN where a_i = 0.
std::vector<double> barycentric_projection(const DenseProblem& problem,
                                           const std::vector<double>& g,
                                           const std::vector<double>& points);

/// The unregularized optimum by the network simplex: shares nothing with Sinkhorn's iteration.
/// Exact up to 1e-11 of range × mass.
double exact_cost(const DenseProblem& problem);
/// The same without any error, for whole numbers: weights a [n] and b [m] of equal mass, cost
/// [n, m]. Throws std::invalid_argument for others.
long double exact_integer_cost(const std::vector<double>& a, const std::vector<double>& b,
                               const std::vector<double>& cost);

}  // namespace otfleet::kernels::test
