#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "tests/kernels/host_batch.hpp"

// Many random problems against everything that must hold for all of them. A failure prints the
// seed of its case: make it `first_seed` and set `cases` to 1 to meet it alone.

namespace otfleet::kernels {
namespace {

using namespace test;

constexpr std::uint64_t first_seed = 1000;
constexpr int cases = 300;

struct Case {
  HostBatch batch;
  SinkhornSettings settings;
  bool in_float;
  Rows start;  ///< empty: zeros
  std::string text;
};

Case random_case(std::uint64_t seed) {
  Random random(seed);
  const Geometry geometry = all_geometries[random.integer(0, 4)];
  const auto cost = random_cost(random, geometry);
  const double zero_share = random.uniform() < 0.5 ? 0 : random.uniform(0, 0.8);
  Case result{random_batch(random, cost, random.integer(1, 20), zero_share), {}, false, {}, ""};
  SinkhornSettings& settings = result.settings;
  settings.epsilon = std::pow(10, random.uniform(-4, 0));
  settings.threshold = std::pow(10, random.uniform(-6, -2));
  settings.max_iterations = random.integer(0, 60);
  settings.inner_iterations = random.uniform() < 0.5 ? 1 : random.integer(2, 10);
  settings.path = random.uniform() < 0.5 ? Path::automatic : Path::extended;
  result.in_float = random.uniform() < 0.5;
  if (random.uniform() < 0.5)
    for (int k = 0; k < result.batch.size(); ++k)
      result.start.push_back(random.uniform_row(cost.n(), -0.3, 0.3));
  std::ostringstream text;
  text << "seed " << seed << ": " << name(geometry) << ' ' << cost.n() << " x " << cost.m() << ", "
       << result.batch.size() << " instances, zero share " << zero_share << ", epsilon "
       << settings.epsilon << ", threshold " << settings.threshold << ", at most "
       << settings.max_iterations << " iterations, a look every " << settings.inner_iterations
       << (settings.path == Path::automatic ? ", automatic" : ", extended")
       << (result.in_float ? ", float" : ", double")
       << (result.start.empty() ? ", from zeros" : ", from a random start");
  result.text = text.str();
  return result;
}

void check_instance(const Case& c, int k, const Solution& solution, const Judgment& judgment) {
  const auto problem = dense_problem(c.batch, k, c.settings.epsilon);
  const Row start = c.start.empty() ? Row(problem.n, 0.0) : c.start[k];
  const double range = c.batch.cost.range(), epsilon = c.settings.epsilon;
  const int count = solution.iterations[k];
  const double error = marginal_error(problem, solution.f[k]);

  ASSERT_LE(count, c.settings.max_iterations);
  if (solution.status[k] == Status::converged) {
    EXPECT_TRUE(count % c.settings.inner_iterations == 0 || count == c.settings.max_iterations);
  } else {
    EXPECT_EQ(solution.status[k], Status::iteration_limit);
    EXPECT_EQ(count, c.settings.max_iterations);
  }

  // The reference after as many iterations. Float: see float_follows_double in sinkhorn_test.cpp.
  const auto same = solve_reference(problem, start, 1e-300, 1, count);
  const double close = c.in_float ? 1e-6 * (range + epsilon + 0.6) * (1 + 0.05 * count) : 1e-9;
  EXPECT_LT(distance_up_to_constant(solution.f[k], same.f), close);
  if (!c.in_float) {
    const auto expected = solve_reference(problem, start, c.settings.threshold,
                                          c.settings.inner_iterations, c.settings.max_iterations);
    EXPECT_NEAR(count, expected.iterations, 1);
    EXPECT_EQ(solution.status[k] == Status::converged, error < c.settings.threshold);
    EXPECT_NEAR(solution.errors[k][count], error, 1e-9);
  }

  EXPECT_NEAR(judgment.marginal_error[k], error, 1e-9);
  EXPECT_NEAR(judgment.dual_value[k], dual_value(problem, solution.f[k]), 1e-10);
  const double exact = exact_cost(problem);
  EXPECT_LE(judgment.lower_bound[k], exact + 1e-10 * (1 + range));
  EXPECT_GE(judgment.upper_bound[k], exact - 1e-10 * (1 + range));
  EXPECT_GE(judgment.transport_cost[k], judgment.lower_bound[k] - range * error - 1e-10);
}

TEST(RandomSweep, every_case_keeps_every_promise) {
  for (int at = 0; at < cases; ++at) {
    const Case c = random_case(first_seed + at);
    SCOPED_TRACE(c.text);
    const Rows* start = c.start.empty() ? nullptr : &c.start;
    const int trace = c.settings.max_iterations + 1;
    const auto solution = c.in_float ? solve<float>(c.batch, c.settings, start, trace)
                                     : solve<double>(c.batch, c.settings, start, trace);
    const auto judgment = judge(c.batch, c.settings.epsilon, solution.f);
    for (int k = 0; k < c.batch.size(); ++k) {
      SCOPED_TRACE("instance " + std::to_string(k));
      check_instance(c, k, solution, judgment);
    }
    if (HasFailure()) break;  // one case is enough to read
  }
}

}  // namespace
}  // namespace otfleet::kernels
