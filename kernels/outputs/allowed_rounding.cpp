#include "kernels/outputs/allowed_rounding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/outputs/bounds.hpp"
#include "kernels/spaces.hpp"

namespace otfleet::kernels {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// One problem on the points that have weight, as shares of its mass, and a plan of it.
struct AllowedPlan {
  int n, m;
  std::vector<double> a, b;
  std::vector<double> cost;                  ///< [n, m], less the smallest entry; +inf: forbidden
  std::vector<double> plan;                  ///< [n, m]
  std::vector<double> missing_a, missing_b;  ///< what the plan lacks

  std::size_t at(int i, int j) const { return static_cast<std::size_t>(i) * m + j; }
  bool allowed(int i, int j) const { return cost[at(i, j)] < infinity; }
};

/// P_ij = exp((f_i + g_j − C_ij)/epsilon), g_j such that columns are exact.
void fill_plan(AllowedPlan& p, const std::vector<double>& f, double epsilon) {
  for (int j = 0; j < p.m; ++j) {
    double most = -infinity, sum = 0;
    for (int i = 0; i < p.n; ++i) most = std::max(most, f[i] - p.cost[p.at(i, j)]);
    if (!(most > -infinity)) continue;  // nothing reaches this column yet
    for (int i = 0; i < p.n; ++i)
      sum += p.plan[p.at(i, j)] = std::exp((f[i] - p.cost[p.at(i, j)] - most) / epsilon);
    for (int i = 0; i < p.n; ++i) p.plan[p.at(i, j)] *= p.b[j] / sum;
  }
}

/// Scales rows, then columns down to the weights, and all by (1 − 3 r), see rounding.hpp.
void scale_down(AllowedPlan& p, double r) {
  for (int i = 0; i < p.n; ++i) {
    double* const row = &p.plan[p.at(i, 0)];
    const double sum = std::accumulate(row, row + p.m, 0.0);
    const double factor = sum > p.a[i] ? p.a[i] / sum : 1.0;
    for (int j = 0; j < p.m; ++j) row[j] *= factor;
  }
  std::vector<double> sums(p.m, 0.0);
  for (int i = 0; i < p.n; ++i)
    for (int j = 0; j < p.m; ++j) sums[j] += p.plan[p.at(i, j)];
  p.missing_a = p.a;
  p.missing_b = p.b;
  for (int i = 0; i < p.n; ++i)
    for (int j = 0; j < p.m; ++j) {
      double& mass = p.plan[p.at(i, j)];
      mass *= (sums[j] > p.b[j] ? p.b[j] / sums[j] : 1.0) * (1 - 3 * r);
      p.missing_a[i] -= mass;
      p.missing_b[j] -= mass;
    }
}

/// Breadth first from row `start` along entries that are allowed, and back along those with mass,
/// to the first column that wanted() — −1: none. Fills where each row and column was reached from.
template <class Wanted>
int find_path(const AllowedPlan& p, int start, std::vector<int>& row_from,
              std::vector<int>& column_from, const Wanted& wanted) {
  row_from.assign(p.n, -1);
  column_from.assign(p.m, -1);
  row_from[start] = p.m;  // reached, from nowhere
  std::vector<int> rows = {start};
  for (std::size_t next = 0; next < rows.size(); ++next) {
    const int i = rows[next];
    for (int j = 0; j < p.m; ++j) {
      if (column_from[j] >= 0 || !p.allowed(i, j)) continue;
      column_from[j] = i;
      if (wanted(j)) return j;
      for (int k = 0; k < p.n; ++k) {
        if (row_from[k] >= 0 || !(p.plan[p.at(k, j)] > 0)) continue;
        row_from[k] = j;
        rows.push_back(k);
      }
    }
  }
  return -1;
}

/// Sends what is missing along augmenting paths, until no more than `share` of a weight is. False:
/// no path is left although more is missing; no plan is allowed then.
bool augment(AllowedPlan& p, double share) {
  std::vector<int> row_from, column_from;
  const auto lacks = [&](int j) { return p.missing_b[j] > share * p.b[j]; };
  int paths = 0;
  const int most_paths = 8 * (p.n + p.m);
  for (int i = 0; i < p.n; ++i)
    while (p.missing_a[i] > share * p.a[i] && paths < most_paths) {
      const int end = find_path(p, i, row_from, column_from, lacks);
      // Columns lack as much as rows, but for what `share` lets go.
      if (end < 0) {
        if (p.missing_a[i] > 1e-9 * p.a[i]) return false;
        break;
      }
      ++paths;
      double amount = std::min(p.missing_a[i], p.missing_b[end]);
      for (int j = end, k = column_from[j]; k != i; j = row_from[k], k = column_from[j])
        amount = std::min(amount, p.plan[p.at(k, row_from[k])]);
      p.missing_a[i] -= amount;
      p.missing_b[end] -= amount;
      int j = end;
      for (;;) {
        const int k = column_from[j];
        p.plan[p.at(k, j)] += amount;
        if (k == i) break;
        j = row_from[k];
        double& back = p.plan[p.at(k, j)];
        back = back > amount ? back - amount : 0.0;
      }
    }
  return true;
}

/// The cost of a feasible plan, costs less their minimum; +inf where none is allowed. What is still
/// missing differs from a feasible plan by paths that go forward over at most min(n, m) entries.
double allowed_cost(AllowedPlan& p, const std::vector<double>& f, double epsilon, double range,
                    double r) {
  fill_plan(p, f, epsilon);
  scale_down(p, r);
  if (!augment(p, widening * r)) return infinity;
  const auto gap = [](const std::vector<double>& missing) {
    return std::accumulate(missing.begin(), missing.end(), 0.0,
                           [](double sum, double one) { return sum + std::abs(one); });
  };
  const double rest = std::max(gap(p.missing_a), gap(p.missing_b)) + widening * r;
  double sum = rest * range * std::min(p.n, p.m);
  for (std::size_t at = 0; at < p.plan.size(); ++at)
    if (p.plan[at] != 0) sum += p.plan[at] * p.cost[at];
  return sum * (1 + 3 * r);
}

}  // namespace

template <class ExecutionSpace>
void bound_by_allowed_plans(const SeparableCost& cost, const ProblemBatch<ExecutionSpace>& problems,
                            double epsilon, const Matrix<const double, ExecutionSpace>& f,
                            const Vector<double, ExecutionSpace>& upper) {
  const auto on_host = [](const auto& array) {
    return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), array);
  };
  const auto sources = on_host(problems.source.weights), targets = on_host(problems.target.weights);
  const auto masses = on_host(problems.source.mass);
  const auto from = on_host(problems.source_index), to = on_host(problems.target_index);
  const auto potentials = on_host(f);
  const auto bound = Kokkos::create_mirror_view(upper);
  const double r = sum_rounding(cost.summed_terms());
  const double low = cost.minimum();
  for (int k = 0; k < problems.size(); ++k) {
    const int s = from(k), t = to(k);
    std::vector<int> rows, columns;
    std::vector<double> potential;
    AllowedPlan p{};
    for (int i = 0; i < cost.n(); ++i)
      if (sources(s, i) > 0) {
        rows.push_back(i);
        p.a.push_back(sources(s, i));
        potential.push_back(potentials(k, i));
      }
    for (int j = 0; j < cost.m(); ++j)
      if (targets(t, j) > 0) {
        columns.push_back(j);
        p.b.push_back(targets(t, j));
      }
    p.n = static_cast<int>(rows.size());
    p.m = static_cast<int>(columns.size());
    const auto& values = cost.axes()[0].values;
    for (const int i : rows)
      for (const int j : columns)
        p.cost.push_back(values[static_cast<std::size_t>(i) * cost.m() + j] - low);
    p.plan.assign(p.cost.size(), 0.0);
    bound(k) = masses(s) *
               (allowed_cost(p, potential, epsilon, cost.range(), r) + (low + r * cost.offset()));
  }
  Kokkos::deep_copy(upper, bound);
}

#define OTFLEET_INSTANTIATE(Space)                                                              \
  template void bound_by_allowed_plans<Space>(const SeparableCost&, const ProblemBatch<Space>&, \
                                              double, const Matrix<const double, Space>&,       \
                                              const Vector<double, Space>&);
OTFLEET_FOR_EACH_SPACE(OTFLEET_INSTANTIATE)

}  // namespace otfleet::kernels
