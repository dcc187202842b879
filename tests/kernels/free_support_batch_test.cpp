// Batches of barycenters with free support: alone and together, limits, figures, ends, refusals.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/problems/status.hpp"
#include "tests/kernels/free_support_problems.hpp"

namespace otfleet::kernels {
namespace {

using test::distance;
using test::equal_weights;
using test::exact_settings;
using test::FreeSupportProblems;
using test::OnDevice;
using test::random_problems;
using test::reference;
using test::Row;
using test::Rows;
using test::solve;
using test::transport;

TEST(FreeSupport, MomentumNeedsFewerMoves) {
  const auto problems = random_problems(40, 2, 9, {3, 5, 7, 4}, 41, 60);
  for (const double threshold : {1e-2, 1e-6}) {
    FreeSupportSettings settings;
    settings.epsilon = 0.1;
    settings.threshold = threshold;
    settings.point_threshold = 1e-4;
    settings.max_moves = 20000;
    settings.max_iterations = 100000;
    const auto with = solve(problems, settings);
    settings.momentum = false;
    const auto without = solve(problems, settings);
    int moves = 0, plain_moves = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_EQ(with.progress.status[k], static_cast<int>(Status::converged));
      EXPECT_EQ(without.progress.status[k], static_cast<int>(Status::converged));
      moves += with.progress.moves[k];
      plain_moves += without.progress.moves[k];
    }
    EXPECT_LT(2 * moves, plain_moves);
  }
}

TEST(FreeSupport, AProblemIsSolvedAsAlone) {
  // Small problems side by side, and large ones.
  for (const int most : {12, 200}) {
    const auto all = random_problems(most == 12 ? 7 : 150, 2, 9, {3, 1, 7, 5}, 13, most);
    FreeSupportSettings settings;
    settings.epsilon = 0.2;
    settings.max_moves = 5000;
    const auto together = solve(all, settings);
    std::set<int> moves;
    for (std::size_t k = 0; k < all.index.size(); ++k) {
      FreeSupportProblems one = all;
      one.index = {all.index[k]};
      one.weight = {all.weight[k]};
      one.points = {all.points[k]};
      one.support = {all.support[k]};
      const auto alone = solve(one, settings);
      EXPECT_EQ(alone.points[0], together.points[k]);
      EXPECT_EQ(alone.f[0], together.f[k]);
      EXPECT_EQ(alone.progress.residual[0], together.progress.residual[k]);
      EXPECT_EQ(alone.progress.moves[0], together.progress.moves[k]);
      EXPECT_EQ(alone.progress.iterations[0], together.progress.iterations[k]);
      EXPECT_EQ(alone.figures.dual_value[0], together.figures.dual_value[k]);
      EXPECT_EQ(alone.figures.upper_bound[0], together.figures.upper_bound[k]);
      EXPECT_EQ(together.progress.status[k], static_cast<int>(Status::converged));
      moves.insert(together.progress.moves[k]);
    }
    EXPECT_GT(moves.size(), 1u);  // they did not leave the batch together
  }
}

TEST(FreeSupport, WhatIsReportedHoldsAtThePointsAndPotentialsThatAreReturned) {
  const auto problems = random_problems(8, 3, 6, {4, 2}, 17);
  FreeSupportSettings settings;
  settings.epsilon = 0.3;
  settings.threshold = 1e-6;
  const auto found = solve(problems, settings);
  std::size_t t = 0;
  for (std::size_t k = 0; k < 2; ++k) {
    const double total = std::accumulate(problems.weight[k].begin(), problems.weight[k].end(), 0.0);
    double exact = 0, cost = 0;
    std::size_t first = 0;
    for (std::size_t s = 0; s < problems.index[k].size(); ++s, ++t) {
      const auto& measure = problems.measures[static_cast<std::size_t>(problems.index[k][s])];
      const auto problem =
          transport(measure, found.points[k], problems.support[k], settings.epsilon);
      const Row f(found.f[k].begin() + static_cast<std::ptrdiff_t>(first),
                  found.f[k].begin() + static_cast<std::ptrdiff_t>(first + measure.weights.size()));
      first += measure.weights.size();
      EXPECT_LE(test::marginal_error(problem, f), 1e-6);
      const auto g = test::half_step(problem, f);
      for (int j = 0; j < problem.m; ++j) EXPECT_NEAR(found.potentials[t][j], g[j], 1e-9);
      exact += problems.weight[k][s] / total * test::exact_cost(problem);
      cost += problems.weight[k][s] / total * test::transport_cost(problem, f);
    }
    EXPECT_NEAR(found.figures.transport_cost[k], cost, 1e-9);
    EXPECT_LE(found.figures.lower_bound[k], exact + 1e-9);
    EXPECT_GE(found.figures.upper_bound[k], exact - 1e-9);
    EXPECT_LT(found.figures.upper_bound[k] - found.figures.lower_bound[k], 1.0);
    // One more move of the reference goes as far as the residual says.
    FreeSupportProblems again = problems;
    again.points[k] = found.points[k];
    const auto moved = reference(again, k, settings.epsilon, 1);
    EXPECT_LT(distance(moved, found.points[k]), 0.05);
    EXPECT_GT(distance(moved, found.points[k]), 0);
  }
}

TEST(FreeSupport, PointsWithoutWeightStayAndMeasuresWithoutWeightDoNotCount) {
  auto problems = random_problems(6, 2, 5, {3}, 19);
  problems.support[0][2] = 0;
  problems.index[0] = {0, 1, 2};
  problems.weight[0] = {1, 0, 2};
  const auto found = solve(problems, exact_settings(0.5));
  EXPECT_EQ(found.points[0][2], problems.points[0][2]);
  EXPECT_EQ(found.potentials[0][2], -std::numeric_limits<double>::infinity());
  auto without = problems;
  without.index[0] = {0, 2};
  without.weight[0] = {1, 2};
  EXPECT_LT(distance(solve(without, exact_settings(0.5)).points[0], found.points[0]), 1e-6);
}

TEST(FreeSupport, PointsFarFromTheOriginKeepTheirDigits) {
  auto problems = random_problems(5, 2, 4, {4}, 23);
  auto far = problems;
  for (auto& measure : far.measures)
    for (Row& point : measure.points) point[0] += 1e6;
  for (Row& point : far.points[0]) point[0] += 1e6;
  auto settings = exact_settings(0.5);
  settings.point_threshold = 1e-7;
  auto near_points = solve(problems, settings).points[0];
  for (Row& point : near_points) point[0] += 1e6;
  const auto found = solve(far, settings);
  EXPECT_EQ(found.progress.status[0], static_cast<int>(Status::converged));
  EXPECT_LT(distance(found.points[0], near_points), 1e-5);
}

TEST(FreeSupport, EqualPointsHaveThatPointAsBarycenter) {
  FreeSupportProblems problems;
  problems.measures = {{Rows(3, Row{2, 5}), equal_weights(3)}, {Rows(1, Row{2, 5}), {1}}};
  problems.index = {{0, 1}};
  problems.weight = {{1, 1}};
  problems.points = {{{0, 0}, {1, 1}}};
  problems.support = {{1, 1}};
  const auto found = solve(problems, exact_settings(0.1));
  EXPECT_EQ(found.progress.status[0], static_cast<int>(Status::converged));
  EXPECT_LT(distance(found.points[0], Rows(2, Row{2, 5})), 1e-12);
}

TEST(FreeSupport, LimitsHaveAStatusAndExactPlansAllTheSame) {
  const auto problems = random_problems(8, 2, 6, {4, 3}, 29);
  auto settings = exact_settings(0.2);
  settings.max_moves = 3;
  const auto found = solve(problems, settings);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(found.progress.status[k], static_cast<int>(Status::iteration_limit));
    EXPECT_EQ(found.progress.moves[k], 3);
    EXPECT_LE(found.figures.marginal_error[k], 1e-10);
  }
  settings.max_moves = 0;
  const auto stay = solve(problems, settings);
  EXPECT_EQ(stay.points, problems.points);
  EXPECT_EQ(stay.progress.moves[0], 0);
  // A plan that may not become exact is no converged one.
  settings = exact_settings(1e-2);
  settings.max_iterations = 2;
  settings.max_moves = 100000;
  settings.point_threshold = 0.5;
  EXPECT_EQ(solve(problems, settings).progress.status[0],
            static_cast<int>(Status::iteration_limit));
}

/// Ends the batch after so many looks.
class Ending final : public IterationObserver {
 public:
  explicit Ending(int looks) : looks_(looks) {}
  std::set<int> seen;

 private:
  bool observe(int problem, int, double) noexcept override {
    seen.insert(problem);
    return looks_-- > 0;
  }
  int looks_;
};

TEST(FreeSupport, WhatAnObserverEndsGoesOnFromThere) {
  const auto problems = random_problems(40, 2, 30, std::vector<int>(60, 6), 31, 60);
  FreeSupportSettings settings = exact_settings(0.02);
  settings.threshold = 1e-7;
  settings.point_threshold = 1e-5;
  OnDevice broken(problems);
  Ending observer(3);
  settings.observer = &observer;
  broken.solve(settings);
  EXPECT_TRUE(observer.ended());
  for (const int problem : observer.seen) EXPECT_TRUE(problem >= 0 && problem < 60);
  std::vector<int> open;
  for (int k = 0; k < 60; ++k)
    if (broken.progress.status[static_cast<std::size_t>(k)] == static_cast<int>(Status::ended))
      open.push_back(k);
  ASSERT_FALSE(open.empty());
  settings.observer = nullptr;
  broken.solve(settings, open);
  const auto found = broken.answer(settings.epsilon), whole = solve(problems, settings);
  for (std::size_t k = 0; k < 60; ++k) {
    EXPECT_EQ(found.progress.status[k], static_cast<int>(Status::converged));
    EXPECT_NEAR(found.figures.dual_value[k], whole.figures.dual_value[k], 2e-3);
  }
}

TEST(FreeSupport, RefusesWhatItCannotSolve) {
  const auto good = random_problems(4, 2, 3, {2}, 37);
  const auto refused = [&](const std::function<void(OnDevice&, FreeSupportSettings&)>& change,
                           const std::string& part) {
    OnDevice problems(good);
    FreeSupportSettings settings;
    change(problems, settings);
    try {
      problems.solve(settings);
      ADD_FAILURE() << "not refused: " << part;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused([](OnDevice&, FreeSupportSettings& s) { s.epsilon = 0; }, "epsilon must be > 0");
  refused([](OnDevice&, FreeSupportSettings& s) { s.epsilon = 1e-20; }, "problem 0: epsilon");
  refused([](OnDevice&, FreeSupportSettings& s) { s.threshold = 0; }, "threshold must be > 0");
  refused([](OnDevice&, FreeSupportSettings& s) { s.point_threshold = 0; }, "point_threshold");
  refused([](OnDevice&, FreeSupportSettings& s) { s.max_moves = -1; }, "max_moves");
  refused(
      [](OnDevice& p, FreeSupportSettings&) {
        p.batch.weight = {0, 0};
      },
      "problem 0 has no positive weight");
  refused(
      [](OnDevice& p, FreeSupportSettings&) {
        p.batch.index = {0, 3};
      },
      "problem 0 names a measure that does not exist");
  refused([](OnDevice& p, FreeSupportSettings&) { p.supports.weights = {}; }, "need points");
  refused(
      [](OnDevice& p, FreeSupportSettings&) {
        p.supports.points = Matrix<double, Space>("otfleet::test::points", 4, 3);
        p.supports.last = p.supports.points;
      },
      "points of barycenters have 3 coordinates, those of measures 2");
  refused(
      [&](OnDevice& p, FreeSupportSettings&) {
        p.batch.measures = on_device(test::HostMeasures{EuclideanCost{}}, good.measures);
      },
      "need squared Euclidean costs");
  refused([](OnDevice& p, FreeSupportSettings&) { p.supports.f = {}; }, "one potential");
  refused([](OnDevice& p, FreeSupportSettings&) { p.supports.last = {}; }, "one last place");
}

}  // namespace
}  // namespace otfleet::kernels
