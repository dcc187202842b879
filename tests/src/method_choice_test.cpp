#include "src/families/linear/method_choice.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <vector>

#include "src/populations/cloud_population.hpp"
#include "tests/src/expect_error.hpp"

namespace otfleet {
namespace {

/// A population of which only sizes are known, as ranks that share rows know it.
CloudPopulation outline(std::int64_t points, std::int64_t dimension) {
  CloudPopulation population;
  population.dimension = dimension;
  population.sources.offsets = population.targets.offsets = {0, points, points + 10};
  population.source = {0, 1};
  population.target = {0, 1};
  return population;
}

kernels::SeparableCost dense_cost(int n, double largest) {
  std::vector<double> costs(static_cast<std::size_t>(n) * static_cast<std::size_t>(n), 0.0);
  for (std::size_t k = 0; k < costs.size(); ++k)
    costs[k] = largest * (static_cast<double>(k % 7) / 6);
  return kernels::SeparableCost::dense(n, n, costs);
}

/// The longest run of digits in a text.
std::size_t longest_number(const std::string& text) {
  std::size_t longest = 0, now = 0;
  for (const char c : text) {
    now = std::isdigit(static_cast<unsigned char>(c)) ? now + 1 : 0;
    longest = std::max(longest, now);
  }
  return longest;
}

/// Whatever epsilon, costs and threshold: the budget is a number of iterations, the reason a line.
TEST(MethodChoice, ExtremesStayNumbersAndShortLines) {
  for (const double largest : {1e-300, 1.0, 1e300, 1.7e308})
    for (const double epsilon : {1e-310, 1e-300, 1e-2, 1e300})
      for (const double threshold : {1e-300, 1e-3})
        for (const char* acceleration : {"none", "momentum"})
          for (const std::int64_t most : {std::int64_t{1}, std::int64_t{2000000000}}) {
            SolverOptions solver;
            solver.threshold = threshold;
            solver.acceleration = *value_of<Acceleration>(acceleration);
            solver.max_iterations = most;
            const auto choice = choose_method(dense_cost(20, largest), epsilon, 20, 20, solver);
            EXPECT_GE(choice.stages.front().most_iterations, 0);
            EXPECT_LT(choice.reason.size(), 200u) << choice.reason;
            EXPECT_LE(longest_number(choice.reason), 10u) << choice.reason;
          }
}

TEST(MethodChoice, ARangeThatOverflowsIsNoFault) {
  std::vector<double> costs = {0, 1.7e308, -1.7e308, 0};
  const kernels::SeparableCost cost = kernels::SeparableCost::dense(2, 2, costs);
  EXPECT_FALSE(choose_method(cost, 1e-2, 2, 2, SolverOptions()).reason.empty());
}

TEST(MethodChoice, ReasonsAreInPlainWords) {
  SolverOptions solver;
  solver.method = "newton";
  EXPECT_EQ(choose_method(dense_cost(5, 1), 1e-2, 5, 5, solver).reason,
            "solver.method asks for it");
  solver.method = "auto";
  const auto large = choose_method(dense_cost(5, 1), 1e-2, 3000, 4000, solver).reason;
  EXPECT_NE(large.find("3000 and 4000 points"), std::string::npos) << large;
  const auto slow = choose_method(dense_cost(5, 1), 1e-8, 5, 5, solver);
  EXPECT_EQ(slow.name(), "newton");
  EXPECT_NE(slow.reason.find("Sinkhorn's iteration would need about"), std::string::npos)
      << slow.reason;
}

TEST(MethodChoice, LargeCloudsAreCoarsenedWhereTheyCanBe) {
  SolverOptions solver;
  const auto chosen = [&](std::int64_t points, std::int64_t dimension) {
    return choose_method(outline(points, dimension), solver).name();
  };
  // A problem has (points + 10)/2 on average.
  EXPECT_EQ(chosen(10000, 3), "multiscale");
  EXPECT_EQ(chosen(9000, 3), "sinkhorn");
  EXPECT_EQ(chosen(10000, 4), "sinkhorn");
  EXPECT_EQ(choose_method(outline(20000, 2), solver).reason,
            "clouds of 10005 and 10005 points on average are large enough to be coarsened");
  solver.initializer = "previous_epsilon";
  EXPECT_EQ(chosen(10000, 3), "sinkhorn");
  solver.method = "multiscale";
  EXPECT_EQ(chosen(20, 1), "multiscale");
  testing::expect_error([&] { chosen(20, 4); },
                        "it takes points of at most 3 coordinates, these have 4");
}

}  // namespace
}  // namespace otfleet
