#include "tests/kernels/reference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace otfleet::kernels::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double log_sum_exp(const std::vector<double>& x) {
  const double largest = *std::max_element(x.begin(), x.end());
  if (largest == -infinity) return -infinity;
  double sum = 0;
  for (double value : x) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

std::vector<double> row_sums(const DenseProblem& problem, const std::vector<double>& p) {
  std::vector<double> sums(problem.n, 0.0);
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j) sums[i] += p[static_cast<std::size_t>(i) * problem.m + j];
  return sums;
}

std::vector<double> column_sums(const DenseProblem& problem, const std::vector<double>& p) {
  std::vector<double> sums(problem.m, 0.0);
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j) sums[j] += p[static_cast<std::size_t>(i) * problem.m + j];
  return sums;
}

double inner_product(const std::vector<double>& weights, const std::vector<double>& potential) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (weights[i] > 0) sum += weights[i] * potential[i];
  return sum;
}

double cost_of(const DenseProblem& problem, const std::vector<double>& p) {
  double sum = 0;
  for (std::size_t at = 0; at < p.size(); ++at) sum += p[at] * problem.cost[at];
  return sum;
}

std::vector<double> plan_of(const DenseProblem& problem, const std::vector<double>& f) {
  return plan(problem, f, half_step(problem, f));
}

}  // namespace

double DenseProblem::mass() const {
  return std::accumulate(a.begin(), a.end(), 0.0);
}

double log_or_nothing(double x) {
  return x > 0 ? std::log(x) : -infinity;
}

std::vector<double> half_step(const DenseProblem& problem, const std::vector<double>& f) {
  std::vector<double> g(problem.m, -infinity), terms(problem.n);
  for (int j = 0; j < problem.m; ++j) {
    if (problem.b[j] == 0) continue;
    for (int i = 0; i < problem.n; ++i)
      terms[i] = problem.a[i] > 0 ? (f[i] - problem.c(i, j)) / problem.epsilon : -infinity;
    g[j] = problem.epsilon * (std::log(problem.b[j]) - log_sum_exp(terms));
  }
  return g;
}

std::vector<double> update_f(const DenseProblem& problem, const std::vector<double>& g) {
  std::vector<double> f(problem.n, -infinity), terms(problem.m);
  for (int i = 0; i < problem.n; ++i) {
    if (problem.a[i] == 0) continue;
    for (int j = 0; j < problem.m; ++j) terms[j] = (g[j] - problem.c(i, j)) / problem.epsilon;
    f[i] = problem.epsilon * (std::log(problem.a[i]) - log_sum_exp(terms));
  }
  return f;
}

std::vector<double> plan(const DenseProblem& problem, const std::vector<double>& f,
                         const std::vector<double>& g) {
  std::vector<double> p(problem.cost.size(), 0.0);
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j)
      if (problem.a[i] > 0 && problem.b[j] > 0)
        p[static_cast<std::size_t>(i) * problem.m + j] =
            std::exp((f[i] + g[j] - problem.c(i, j)) / problem.epsilon);
  return p;
}

ReferenceSolution solve_reference(const DenseProblem& problem, std::vector<double> f,
                                  double threshold, int inner_iterations, int max_iterations) {
  ReferenceSolution result;
  for (int t = 0;; ++t) {
    const std::vector<double> g = half_step(problem, f);
    const std::vector<double> sums = row_sums(problem, plan(problem, f, g));
    double error = 0;
    for (int i = 0; i < problem.n; ++i) error += std::abs(sums[i] - problem.a[i]);
    error /= problem.mass();
    result.errors.push_back(error);
    result.iterations = t;
    result.converged = error < threshold;
    if ((result.converged && t % inner_iterations == 0) || t >= max_iterations) break;
    f = update_f(problem, g);
  }
  for (int i = 0; i < problem.n; ++i)
    if (problem.a[i] == 0) f[i] = -infinity;
  result.f = f;
  return result;
}

double marginal_error(const DenseProblem& problem, const std::vector<double>& f) {
  const std::vector<double> sums = row_sums(problem, plan_of(problem, f));
  double error = 0;
  for (int i = 0; i < problem.n; ++i) error += std::abs(sums[i] - problem.a[i]);
  return error / problem.mass();
}

double dual_value(const DenseProblem& problem, const std::vector<double>& f) {
  const std::vector<double> g = half_step(problem, f), p = plan(problem, f, g);
  const double plan_mass = std::accumulate(p.begin(), p.end(), 0.0);
  return inner_product(problem.a, f) + inner_product(problem.b, g) +
         problem.epsilon * (problem.mass() - plan_mass);
}

double transport_cost(const DenseProblem& problem, const std::vector<double>& f) {
  return cost_of(problem, plan_of(problem, f));
}

double upper_bound(const DenseProblem& problem, const std::vector<double>& f) {
  const int n = problem.n, m = problem.m;
  std::vector<double> p = plan_of(problem, f);
  const std::vector<double> rows = row_sums(problem, p);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < m; ++j)
      if (rows[i] > problem.a[i]) p[static_cast<std::size_t>(i) * m + j] *= problem.a[i] / rows[i];
  const std::vector<double> columns = column_sums(problem, p);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < m; ++j)
      if (columns[j] > problem.b[j])
        p[static_cast<std::size_t>(i) * m + j] *= problem.b[j] / columns[j];
  const std::vector<double> left = row_sums(problem, p), right = column_sums(problem, p);
  double missing = 0, product_cost = 0;
  for (int i = 0; i < n; ++i) missing += std::max(problem.a[i] - left[i], 0.0);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < m; ++j)
      product_cost += std::max(problem.a[i] - left[i], 0.0) *
                      std::max(problem.b[j] - right[j], 0.0) * problem.c(i, j);
  return cost_of(problem, p) + (missing > 0 ? product_cost / missing : 0.0);
}

double dual_bound(const DenseProblem& problem, const std::vector<double>& f) {
  std::vector<double> first(problem.m, infinity), second(problem.n, infinity);
  for (int j = 0; j < problem.m; ++j)
    for (int i = 0; i < problem.n; ++i)
      if (problem.a[i] > 0) first[j] = std::min(first[j], problem.c(i, j) - f[i]);
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j)
      if (problem.b[j] > 0) second[i] = std::min(second[i], problem.c(i, j) - first[j]);
  return inner_product(problem.a, second) + inner_product(problem.b, first);
}

double lower_bound(const DenseProblem& problem, const std::vector<double>& f) {
  double least = infinity, mass = 0;
  for (int i = 0; i < problem.n; ++i) {
    mass += problem.a[i];
    for (int j = 0; j < problem.m; ++j) least = std::min(least, problem.c(i, j));
  }
  return std::max(dual_bound(problem, f), least * mass);
}

std::vector<double> gradient(const DenseProblem& problem, const std::vector<double>& f) {
  std::vector<double> result = row_sums(problem, plan_of(problem, f));
  for (int i = 0; i < problem.n; ++i) result[i] = problem.a[i] > 0 ? problem.a[i] - result[i] : 0.0;
  return result;
}

DenseProblem transposed(const DenseProblem& problem) {
  DenseProblem result{problem.m, problem.n, problem.b, problem.a, problem.cost, problem.epsilon};
  for (int i = 0; i < problem.n; ++i)
    for (int j = 0; j < problem.m; ++j)
      result.cost[static_cast<std::size_t>(j) * problem.n + i] = problem.c(i, j);
  return result;
}

std::vector<double> barycentric_projection(const DenseProblem& problem,
                                           const std::vector<double>& g,
                                           const std::vector<double>& points) {
  const std::size_t d = points.size() / problem.m;
  std::vector<double> result(d * problem.n, std::numeric_limits<double>::quiet_NaN());
  std::vector<double> terms(problem.m);
  for (int i = 0; i < problem.n; ++i) {
    if (problem.a[i] == 0) continue;
    for (int j = 0; j < problem.m; ++j)
      terms[j] = problem.b[j] > 0 ? (g[j] - problem.c(i, j)) / problem.epsilon : -infinity;
    const double largest = *std::max_element(terms.begin(), terms.end());
    double mass = 0;
    for (double term : terms) mass += std::exp(term - largest);
    // Distances to the first point: a mean far from the origin keeps its digits.
    for (std::size_t c = 0; c < d; ++c) {
      double sum = 0;
      for (int j = 0; j < problem.m; ++j)
        sum += std::exp(terms[j] - largest) * (points[j * d + c] - points[c]);
      result[i * d + c] = points[c] + sum / mass;
    }
  }
  return result;
}

}  // namespace otfleet::kernels::test
