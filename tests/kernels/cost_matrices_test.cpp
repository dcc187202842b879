#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/outputs/sparse_plan.hpp"
#include "tests/kernels/device_values.hpp"
#include "tests/kernels/host_batch.hpp"
#include "tests/kernels/traps.hpp"

// Problems that have a matrix of costs each, beside each of them alone with a dense cost.

namespace otfleet::kernels {
namespace {

using namespace test;

/// Every problem alone, and all of them as one batch.
struct Matrices {
  std::vector<HostBatch> alone;
  Row sources, targets, costs;
  std::vector<std::int64_t> source_offsets = {0}, target_offsets = {0};

  int size() const { return static_cast<int>(alone.size()); }
  void add(Random& random, int n, int m, double low, double high) {
    HostBatch one{SeparableCost::dense(n, m, random.uniform_row(n * m, low, high))};
    one.add(random.weights(n, 0.2), random.weights(m, 0.2));
    const auto append = [](Row& to, const Row& more) {
      to.insert(to.end(), more.begin(), more.end());
    };
    append(sources, one.sources[0]);
    append(targets, one.targets[0]);
    append(costs, one.cost.axes()[0].values);
    source_offsets.push_back(source_offsets.back() + n);
    target_offsets.push_back(target_offsets.back() + m);
    alone.push_back(std::move(one));
  }
  CloudBatch<Space> batch() const {
    CloudBatch<Space> result{{Space(), to_device(sources), source_offsets},
                             {Space(), to_device(targets), target_offsets},
                             {},
                             {},
                             to_device(costs)};
    for (int k = 0; k < size(); ++k) {
      result.source_index.push_back(k);
      result.target_index.push_back(k);
    }
    return result;
  }
  Row source_row(const Row& flat, int k) const {
    return Row(flat.begin() + source_offsets[k], flat.begin() + source_offsets[k + 1]);
  }
  Row target_row(const Row& flat, int k) const {
    return Row(flat.begin() + target_offsets[k], flat.begin() + target_offsets[k + 1]);
  }
};

/// Small ones, which are solved side by side, and large ones; costs of any sign and size.
Matrices random_matrices(Random& random) {
  Matrices all;
  for (const auto& [n, m] : {std::pair{5, 7},
                             {1, 1},
                             {40, 33},
                             {150, 90},
                             {1, 64},
                             {64, 1},
                             {3, 120},
                             {64, 64},
                             {2, 2},
                             {300, 20}})
    all.add(random, n, m, 0, 1);
  all.add(random, 9, 12, -3, -1);
  all.add(random, 100, 80, 50, 51);
  all.add(random, 9, 12, 2, 2);
  return all;
}

Row solve_all(const Matrices& all, const SinkhornSettings& settings, std::vector<int>& iterations,
              std::vector<int>& status) {
  const auto f = to_device(Row(all.sources.size(), 0.0));
  const Vector<int, Space> done("otfleet::test::iterations", all.size());
  const Vector<int, Space> why("otfleet::test::status", all.size());
  sinkhorn<double>(Space(), all.batch(), settings, true, f, done, why);
  iterations = to_host(done);
  status = to_host(why);
  return to_host(f);
}

double distance(const Row& x, const Row& y) {
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::isfinite(x[i]) || std::isfinite(y[i]))
      largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

TEST(CostMatrices, solve_and_certify_as_alone) {
  Random random(171);
  const Matrices all = random_matrices(random);
  for (const double epsilon : {0.3, 0.02}) {
    SCOPED_TRACE(epsilon);
    const auto settings = settings_for(epsilon, 1e-10, 20000);
    std::vector<int> iterations, status;
    const Row f = solve_all(all, settings, iterations, status);
    const Certificates<Space> certificates(all.size());
    const auto g = to_device(Row(all.targets.size(), 0.0));
    certify<Space>(Space(), all.batch(), epsilon, to_device(f), g, certificates);
    const Row targets = to_host(g), dual = to_host(certificates.dual_value),
              upper = to_host(certificates.upper_bound), lower = to_host(certificates.lower_bound),
              cost = to_host(certificates.transport_cost),
              error = to_host(certificates.marginal_error);
    for (int k = 0; k < all.size(); ++k) {
      SCOPED_TRACE("problem " + std::to_string(k));
      const HostBatch& one = all.alone[k];
      EXPECT_EQ(status[k], static_cast<int>(Status::converged));
      const auto expected = solve<double>(one, settings);
      EXPECT_NEAR(iterations[k], expected.iterations[0], 1);
      const auto judgment = judge(one, epsilon, {all.source_row(f, k)});
      EXPECT_LT(error[k], 1e-9);
      EXPECT_NEAR(dual[k], judgment.dual_value[0], 1e-11);
      EXPECT_NEAR(cost[k], judgment.transport_cost[0], 1e-10);
      EXPECT_NEAR(upper[k], judgment.upper_bound[0], 1e-8);
      EXPECT_NEAR(lower[k], judgment.lower_bound[0], 1e-10);
      EXPECT_LE(lower[k], upper[k]);
      EXPECT_LT(distance(all.target_row(targets, k), judgment.g[0]), 1e-10);
    }
  }
}

TEST(CostMatrices, semi_duals_and_entries_of_plans_are_those_of_dense_costs) {
  Random random(172);
  const Matrices all = random_matrices(random);
  const double epsilon = 0.1;
  const Row f = random.uniform_row(static_cast<int>(all.sources.size()), -0.1, 0.1);
  const Vector<double, Space> value("otfleet::test::value", all.size());
  const auto gradient = to_device(Row(all.sources.size(), 0.0));
  semi_dual<Space>(Space(), all.batch(), epsilon, to_device(f), value, gradient);
  const auto g = to_device(Row(all.targets.size(), 0.0));
  soft_c_transform<Space>(Space(), all.batch(), epsilon, to_device(f), g);
  const EntrySelection three{EntrySelection::Rule::top_k, 3, 0.1};
  const auto plan = sparse_plan<Space>(Space(), all.batch(), epsilon, to_device(f), g, three);
  const auto columns = to_host(plan.columns);
  const auto offsets = to_host(plan.offsets);
  const Row values = to_host(value), slopes = to_host(gradient), kept = to_host(plan.values);
  for (int k = 0; k < all.size(); ++k) {
    SCOPED_TRACE("problem " + std::to_string(k));
    const HostBatch& one = all.alone[k];
    const Rows row = {all.source_row(f, k)};
    const auto expected = evaluate_semi_dual(one, epsilon, row);
    EXPECT_NEAR(values[k], expected.value[0], 1e-12 * (1 + std::abs(values[k])));
    EXPECT_LT(distance(all.source_row(slopes, k), expected.gradient[0]), 1e-12);
    const auto alone =
        sparse_plan<Space>(Space(), one.cost, on_device(one), epsilon, on_device(row, one.cost.n()),
                           on_device({all.target_row(to_host(g), k)}, one.cost.m()), three);
    const auto own = to_host(alone.columns);
    const Row masses = to_host(alone.values);
    const auto first = offsets[static_cast<std::size_t>(all.source_offsets[k]) + k];
    for (std::size_t e = 0; e < own.size(); ++e) {
      EXPECT_EQ(columns[first + e], own[e]);
      EXPECT_NEAR(kept[first + e], masses[e], 1e-12);
    }
  }
}

TEST(CostMatrices, what_does_not_fit_is_refused) {
  const WithoutTraps quiet;
  Random random(173);
  Matrices all = random_matrices(random);
  const auto fails = [&](const CloudBatch<Space>& batch, const std::string& text) {
    const auto f = to_device(Row(all.sources.size(), 0.0));
    const Vector<int, Space> done("otfleet::test::iterations", all.size()),
        why("otfleet::test::status", all.size());
    try {
      sinkhorn<double>(Space(), batch, settings_for(0.1, 1e-6, 10), true, f, done, why);
      ADD_FAILURE() << "no error";
    } catch (const std::invalid_argument& error) {
      EXPECT_EQ(error.what(), text);
    }
  };
  auto batch = all.batch();
  batch.costs = {};
  fails(batch, "problems without points need matrices of costs");
  const auto entries = std::to_string(all.costs.size());
  batch.costs = to_device(Row(3, 0.0));
  fails(batch, "the matrices of costs have 3 entries, expected " + entries);
  all.costs[36] = infinity;
  fails(all.batch(), "problem 2 has a cost that is not finite");
  all.costs[36] = std::nan("");
  fails(all.batch(), "problem 2 has a cost that is not finite");
}

}  // namespace
}  // namespace otfleet::kernels
