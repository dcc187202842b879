#include "kernels/outputs/sparse_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/kernels/cloud_batch.hpp"
#include "tests/kernels/traps.hpp"

namespace otfleet::kernels {
namespace {

using namespace test;

constexpr double epsilons[] = {1e-3, 0.05, 10};
const double nan = std::numeric_limits<double>::quiet_NaN();

EntrySelection largest(int count) {
  return {EntrySelection::Rule::top_k, count, nan};
}
EntrySelection at_least(double share) {
  return {EntrySelection::Rule::threshold, 0, share};
}
const EntrySelection selections[] = {largest(1),      largest(3),     largest(1000),
                                     at_least(1e-12), at_least(0.05), at_least(1)};

/// A plan in host arrays.
struct HostPlan {
  std::vector<std::vector<std::int64_t>> offsets;
  std::vector<int> columns;
  Row values, kept_mass;

  bool operator==(const HostPlan&) const = default;
};

template <class Value, class View>
std::vector<Value> copy(const View& view) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
  return {host.data(), host.data() + host.size()};
}

template <class Cost>
HostPlan choose(const Cost& cost, const ProblemBatch<Space>& problems, double epsilon,
                const Rows& f, const Rows& g, const EntrySelection& selection) {
  const auto plan = sparse_plan<Space>(Space(), cost, problems, epsilon, on_device(f, cost.n()),
                                       on_device(g, cost.m()), selection);
  HostPlan result{
      {}, copy<int>(plan.columns), copy<double>(plan.values), copy<double>(plan.kept_mass)};
  const auto offsets = copy<std::int64_t>(plan.offsets);
  const std::size_t width = static_cast<std::size_t>(cost.n()) + 1;
  EXPECT_EQ(offsets.size(), static_cast<std::size_t>(problems.size()) * width);
  for (std::size_t at = 0; at < offsets.size(); at += width)
    result.offsets.emplace_back(offsets.begin() + at, offsets.begin() + at + width);
  return result;
}

HostPlan choose(const HostBatch& batch, double epsilon, const Rows& f, const Rows& g,
                const EntrySelection& selection) {
  return choose(batch.cost, on_device(batch), epsilon, f, g, selection);
}

/// Row i of instance k holds what the selection asks for, judged by the row p of the full plan, up
/// to the share `close` to which both know an entry. Returns the sum of what is kept.
double expect_row(const HostPlan& plan, int k, int i, const Row& p, const EntrySelection& selection,
                  double close) {
  const auto first = plan.offsets[k][i], last = plan.offsets[k][i + 1];
  double mass = 0, kept = 0, least_kept = infinity, most_left = 0;
  for (double entry : p) mass += entry;
  std::vector<bool> is_kept(p.size());
  for (auto at = first; at < last; ++at) {
    const int j = plan.columns[at];
    EXPECT_TRUE(at == first || plan.columns[at - 1] < j) << "columns do not ascend";
    EXPECT_NEAR(plan.values[at], p[j], close * p[j]);
    EXPECT_GT(plan.values[at], 0);
    is_kept[j] = true;
    least_kept = std::min(least_kept, p[j]);
    kept += plan.values[at];
  }
  for (std::size_t j = 0; j < p.size(); ++j)
    if (!is_kept[j]) most_left = std::max(most_left, p[j]);
  if (selection.rule == EntrySelection::Rule::top_k) {
    const auto entries = std::count_if(p.begin(), p.end(), [](double x) { return x > 2.3e-308; });
    EXPECT_EQ(last - first, std::min<std::int64_t>(selection.top_k, entries));
    EXPECT_GE(least_kept, most_left * (1 - close));
  } else {
    const double bar = selection.threshold * mass;
    EXPECT_GE(least_kept, bar * (1 - close));
    EXPECT_TRUE(most_left <= bar * (1 + close) || most_left < 2.3e-308) << most_left;
  }
  return kept;
}

void expect_chosen(const HostPlan& plan, const HostBatch& matrix, double epsilon, const Rows& f,
                   const Rows& g, const EntrySelection& selection) {
  const int n = matrix.cost.n(), m = matrix.cost.m();
  ASSERT_EQ(plan.offsets.size(), static_cast<std::size_t>(matrix.size()));
  EXPECT_EQ(plan.values.size(), plan.columns.size());
  std::int64_t next = 0;
  for (int k = 0; k < matrix.size(); ++k) {
    SCOPED_TRACE("instance " + std::to_string(k));
    const DenseProblem problem = dense_problem(matrix, k, epsilon);
    const Row p = test::plan(problem, f[k], g[k]);
    double largest_potential = matrix.cost.range() + std::abs(matrix.cost.minimum());
    for (const Row& potential : {f[k], g[k]})
      for (double x : potential)
        if (std::isfinite(x)) largest_potential = std::max(largest_potential, std::abs(x));
    const double close = 1e-13 + 1e-14 * largest_potential / epsilon;
    EXPECT_EQ(plan.offsets[k][0], next) << "instances do not follow each other";
    double kept = 0, mass = 0;
    for (int i = 0; i < n; ++i) {
      const Row row(p.begin() + i * m, p.begin() + (i + 1) * m);
      kept += expect_row(plan, k, i, row, selection, close);
      for (double entry : row) mass += entry;
    }
    EXPECT_NEAR(plan.kept_mass[k], kept / mass, 1e-12 + close);
    EXPECT_LE(plan.kept_mass[k], 1);
    next = plan.offsets[k][n];
  }
  EXPECT_EQ(static_cast<std::int64_t>(plan.columns.size()), next);
}

TEST(SparsePlan, matches_the_full_plan_on_every_geometry) {
  Random random(91);
  for (Geometry geometry : all_geometries)
    for (double epsilon : epsilons) {
      SCOPED_TRACE(name(geometry) + " " + std::to_string(epsilon));
      const auto batch = random_batch(random, random_cost(random, geometry), 5, 0.3);
      SinkhornSettings settings;
      settings.epsilon = epsilon;
      settings.max_iterations = 20;
      const Rows f = solve<double>(batch, settings).f;
      const Rows g = judge(batch, epsilon, f).g;
      for (const EntrySelection& selection : selections)
        expect_chosen(choose(batch, epsilon, f, g, selection), batch, epsilon, f, g, selection);
    }
}

TEST(SparsePlan, matches_the_full_plan_between_clouds) {
  Random random(92);
  for (const GroundCost& kind : tested_costs)
    for (double epsilon : epsilons) {
      SCOPED_TRACE(name(kind) + " " + std::to_string(epsilon));
      auto clouds = random_clouds(random, kind, 21, 33, 3);
      clouds.x[2] = clouds.x[3];
      add_random_problems(random, clouds, 3, 0.2);
      SinkhornSettings settings;
      settings.epsilon = epsilon;
      settings.max_iterations = 20;
      const Rows f = solve<double>(clouds, settings).f;
      const Rows g = judge(clouds, epsilon, f).g;
      for (const EntrySelection& selection : selections)
        expect_chosen(
            choose(on_device(clouds), problems_on_device(clouds), epsilon, f, g, selection),
            as_matrix(clouds), epsilon, f, g, selection);
    }
}

TEST(SparsePlan, weights_of_every_size) {
  Random random(93);
  for (double epsilon : epsilons) {
    HostBatch batch{random_cost(random, Geometry::plane)};
    for (int k = 0; k < 4; ++k) {
      Row a = random.weights(batch.cost.n()), b = random.weights(batch.cost.m());
      a[0] = b[1] = 1e-300;
      a[1] = b[0] = 1e-150;
      batch.add(a, b);
    }
    SinkhornSettings settings;
    settings.epsilon = epsilon;
    const Rows f = solve<double>(batch, settings).f;
    const Rows g = judge(batch, epsilon, f).g;
    for (const EntrySelection& selection : selections)
      expect_chosen(choose(batch, epsilon, f, g, selection), batch, epsilon, f, g, selection);
  }
}

TEST(SparsePlan, all_entries_are_the_plan) {
  Random random(94);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 3, 0.2);
  const Rows f(3, Row(batch.cost.n(), 0.0)), g = judge(batch, 0.1, f).g;
  const HostPlan plan = choose(batch, 0.1, f, g, largest(batch.cost.m()));
  for (int k = 0; k < 3; ++k) {
    EXPECT_NEAR(plan.kept_mass[k], 1, 1e-14);
    Row columns(batch.cost.m(), 0.0);
    for (auto at = plan.offsets[k].front(); at < plan.offsets[k].back(); ++at)
      columns[plan.columns[at]] += plan.values[at];
    for (int j = 0; j < batch.cost.m(); ++j) EXPECT_NEAR(columns[j], batch.targets[k][j], 1e-13);
  }
}

/// By hand: one row of exp(x − 0) with the values 1, 4, 4, 2, 4.
TEST(SparsePlan, of_equal_entries_the_smaller_columns_are_kept) {
  HostBatch batch{SeparableCost::dense(1, 5, {0, 0, 0, 0, 0})};
  batch.add({15}, {1, 4, 4, 2, 4});
  const Rows f = {{0}}, g = {{0, std::log(4), std::log(4), std::log(2), std::log(4)}};
  const auto columns = [&](const EntrySelection& selection) {
    return choose(batch, 1, f, g, selection).columns;
  };
  using Columns = std::vector<int>;
  EXPECT_EQ(columns(largest(1)), (Columns{1}));
  EXPECT_EQ(columns(largest(2)), (Columns{1, 2}));
  EXPECT_EQ(columns(largest(3)), (Columns{1, 2, 4}));
  EXPECT_EQ(columns(largest(4)), (Columns{1, 2, 3, 4}));
  EXPECT_EQ(columns(largest(5)), (Columns{0, 1, 2, 3, 4}));
  EXPECT_EQ(columns(largest(6)), (Columns{0, 1, 2, 3, 4}));
  EXPECT_EQ(columns(at_least(0.26)), (Columns{1, 2, 4}));
  EXPECT_EQ(columns(at_least(0.27)), (Columns{}));
  EXPECT_EQ(columns(at_least(0.13)), (Columns{1, 2, 3, 4}));
  EXPECT_EQ(columns(at_least(0.06)), (Columns{0, 1, 2, 3, 4}));
  const HostPlan plan = choose(batch, 1, f, g, largest(3));
  for (double value : plan.values) EXPECT_NEAR(value, 4, 1e-14);
  EXPECT_NEAR(plan.kept_mass[0], 12 / 15.0, 1e-14);
  EXPECT_EQ(choose(batch, 1, f, g, at_least(0.27)).kept_mass, (Row{0}));
}

TEST(SparsePlan, long_rows_full_of_ties) {
  // 200 target points, of which many are the same: the order of the columns decides.
  Random random(95);
  Row costs;
  for (int j = 0; j < 200; ++j) costs.push_back(random.integer(0, 6));
  HostBatch batch{SeparableCost::dense(1, 200, costs)};
  batch.add({200}, Row(200, 1.0));
  std::vector<int> order(200);
  for (int j = 0; j < 200; ++j) order[j] = j;
  std::stable_sort(order.begin(), order.end(), [&](int i, int j) { return costs[i] < costs[j]; });
  for (int count : {1, 2, 7, 64, 150, 199, 200}) {
    std::vector<int> expected(order.begin(), order.begin() + count);
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(choose(batch, 1, {{0}}, {Row(200, 0.0)}, largest(count)).columns, expected) << count;
  }
}

TEST(SparsePlan, measures_with_their_own_points_have_the_plans_of_shared_ones) {
  Random random(95);
  const double epsilon = 0.05;
  std::vector<HostClouds> alone;
  Rows all_f, all_g;
  Row a, b, f, g, x, y;
  std::vector<std::int64_t> sources = {0}, targets = {0};
  for (const auto& [n, m] : {std::pair{7, 150}, {1, 4}, {200, 9}, {33, 33}}) {
    auto clouds = random_clouds(random, SquaredEuclideanCost(), n, m, 2);
    add_random_problems(random, clouds, 1, 0.2);
    all_f.push_back(Row(n, 0.0));
    all_g.push_back(judge(clouds, epsilon, {all_f.back()}).g[0]);
    const auto append = [](Row& to, const Row& more) {
      to.insert(to.end(), more.begin(), more.end());
    };
    append(a, clouds.sources[0]);
    append(b, clouds.targets[0]);
    append(f, all_f.back());
    append(g, all_g.back());
    for (const Row& point : clouds.x) append(x, point);
    for (const Row& point : clouds.y) append(y, point);
    sources.push_back(sources.back() + n);
    targets.push_back(targets.back() + m);
    alone.push_back(clouds);
  }
  const auto points = [](const Row& values) {
    const Matrix<double, Space> device("otfleet::test::points", values.size() / 2, 2);
    const auto host = Kokkos::create_mirror_view(device);
    std::copy(values.begin(), values.end(), host.data());
    Kokkos::deep_copy(device, host);
    return device;
  };
  const auto flat = [](const Row& values) {
    const Vector<double, Space> device("otfleet::test::flat", values.size());
    const auto host = Kokkos::create_mirror_view(device);
    std::copy(values.begin(), values.end(), host.data());
    Kokkos::deep_copy(device, host);
    return device;
  };
  const GroundCost cost = SquaredEuclideanCost();
  const CloudBatch<Space> batch{{Space(), flat(a), points(x), sources, cost},
                                {Space(), flat(b), points(y), targets, cost},
                                {0, 1, 2, 3},
                                {0, 1, 2, 3}};
  for (const EntrySelection& selection : {largest(3), at_least(0.05)}) {
    const auto plan = sparse_plan<Space>(Space(), batch, epsilon, flat(f), flat(g), selection);
    const auto offsets = copy<std::int64_t>(plan.offsets);
    const auto columns = copy<int>(plan.columns);
    const auto values = copy<double>(plan.values), kept = copy<double>(plan.kept_mass);
    ASSERT_EQ(offsets.size(), f.size() + 4);
    for (int k = 0; k < 4; ++k) {
      const HostPlan expected = choose(on_device(alone[k]), problems_on_device(alone[k]), epsilon,
                                       {all_f[k]}, {all_g[k]}, selection);
      const auto* own = offsets.data() + sources[k] + k;
      ASSERT_EQ(expected.offsets[0].size(), all_f[k].size() + 1);
      for (std::size_t i = 0; i <= all_f[k].size(); ++i)
        EXPECT_EQ(own[i] - own[0], expected.offsets[0][i]);
      for (std::size_t e = 0; e < expected.columns.size(); ++e) {
        EXPECT_EQ(columns[own[0] + e], expected.columns[e]);
        EXPECT_NEAR(values[own[0] + e], expected.values[e], 1e-10 * expected.values[e]);
      }
      EXPECT_NEAR(kept[k], expected.kept_mass[0], 1e-10);
    }
  }
}

TEST(SparsePlan, does_not_depend_on_neighbors) {
  Random random(96);
  const auto batch = random_batch(random, random_cost(random, Geometry::space), 13, 0.3);
  const Rows f(13, Row(batch.cost.n(), 0.0)), g = judge(batch, 0.01, f).g;
  for (const EntrySelection& selection : selections) {
    const HostPlan together = choose(batch, 0.01, f, g, selection);
    for (int k = 0; k < 13; ++k) {
      HostPlan alone = choose(batch.subset({k}), 0.01, {f[k]}, {g[k]}, selection);
      const auto first = together.offsets[k].front(), last = together.offsets[k].back();
      for (auto& offset : alone.offsets[0]) offset += first;
      const HostPlan part{{together.offsets[k]},
                          {together.columns.begin() + first, together.columns.begin() + last},
                          {together.values.begin() + first, together.values.begin() + last},
                          {together.kept_mass[k]}};
      EXPECT_EQ(alone, part) << k;
    }
  }
}

TEST(SparsePlan, potentials_that_are_no_numbers_have_no_entries) {
  const WithoutTraps quiet;
  Random random(97);
  const auto batch = random_batch(random, random_cost(random, Geometry::plane), 4);
  Rows f(4, Row(batch.cost.n(), 0.0));
  f[1].assign(batch.cost.n(), nan);
  f[2].assign(batch.cost.n(), -infinity);
  f[3][0] = nan;
  const Rows g(4, Row(batch.cost.m(), 0.0));
  for (const EntrySelection& selection : {largest(2), at_least(0.01)}) {
    const HostPlan plan = choose(batch, 1, f, g, selection);
    EXPECT_EQ(plan.offsets[1].front(), plan.offsets[2].back());
    EXPECT_EQ(plan.offsets[3][0], plan.offsets[3][1]);
    EXPECT_LT(plan.offsets[3][1], plan.offsets[3].back());
    EXPECT_TRUE(plan.kept_mass[0] > 0);
    for (int k : {1, 2, 3}) EXPECT_TRUE(std::isnan(plan.kept_mass[k])) << k;
  }
}

TEST(SparsePlan, sizes_and_arguments) {
  HostBatch batch{SeparableCost::dense(2, 3, {1, 2, 3, 4, 5, 6})};
  Random random(98);
  auto clouds = random_clouds(random, EuclideanCost(), 2, 3, 2);
  const HostPlan empty = choose(batch, 1, {}, {}, largest(1));
  EXPECT_TRUE(empty.offsets.empty() && empty.columns.empty() && empty.kept_mass.empty());
  EXPECT_EQ(empty, choose(on_device(clouds), problems_on_device(clouds), 1, {}, {}, largest(1)));
  batch.add({0.5, 0.5}, {0.2, 0.3, 0.5});
  clouds.add({0.5, 0.5}, {0.2, 0.3, 0.5});
  const Rows f = {{0, 0}}, g = {{0, 0, 0}};
  EXPECT_NO_THROW(choose(batch, 1, f, g, largest(1)));
  const auto both = [&](double epsilon, const Rows& left, const Rows& right,
                        const EntrySelection& selection) {
    EXPECT_THROW(choose(batch, epsilon, left, right, selection), std::invalid_argument);
    EXPECT_THROW(
        choose(on_device(clouds), problems_on_device(clouds), epsilon, left, right, selection),
        std::invalid_argument);
  };
  both(0, f, g, largest(1));
  both(1, {{0, 0}, {0, 0}}, g, largest(1));
  both(1, f, {{0, 0, 0}, {0, 0, 0}}, largest(1));
  both(1, f, g, largest(0));
  both(1, f, g, at_least(0));
  both(1, f, g, at_least(1.5));
  both(1, f, g, at_least(nan));
  batch.target_index[0] = 1;
  EXPECT_THROW(choose(batch, 1, f, g, largest(1)), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels
