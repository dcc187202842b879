#include "kernels/operators/in_passes/cell_pairs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/cell_clouds.hpp"

// Which pairs of cells are kept, and the bound of what the others hold, against sums over all pairs
// in long double.

namespace otfleet::kernels {
namespace {

using namespace test;

/// One side in the order of its tree.
struct Cells {
  Rows points;
  Row log2_weights, f;
  CellTree tree;

  explicit Cells(const HostMeasure& measure) {
    Row flat_points;
    Rows kept;
    Row weights;
    for (std::size_t i = 0; i < measure.points.size(); ++i)
      if (measure.weights[i] > 0) {
        kept.push_back(measure.points[i]);
        weights.push_back(measure.weights[i]);
        flat_points.insert(flat_points.end(), kept.back().begin(), kept.back().end());
      }
    tree = CellTree(flat_points, static_cast<int>(kept.front().size()));
    for (const int i : tree.order()) {
      points.push_back(kept[static_cast<std::size_t>(i)]);
      log2_weights.push_back(std::log2(weights[static_cast<std::size_t>(i)]));
    }
  }
  CellPotentials summary() const { return summarize(tree, f, log2_weights); }
};

/// [source cell][target cell]
std::vector<std::vector<bool>> as_table(const CellLists& lists, int columns) {
  std::vector<std::vector<bool>> table;
  for (std::size_t row = 0; row + 1 < lists.first.size(); ++row) {
    table.emplace_back(static_cast<std::size_t>(columns), false);
    int before = -1;
    for (int at = lists.first[row]; at < lists.first[row + 1]; ++at) {
      const CellRange range = lists.ranges[static_cast<std::size_t>(at)];
      EXPECT_GT(range.begin, before);
      EXPECT_LT(range.begin, range.end);
      before = range.end;
      for (int c = range.begin; c < range.end; ++c)
        table.back()[static_cast<std::size_t>(c)] = true;
    }
  }
  return table;
}

/// [source point][target point], from the definition of the cost.
Rows costs_between(const HostClouds& costs, const Cells& source, const Cells& target) {
  Rows all;
  for (const Row& x : source.points) {
    all.emplace_back();
    for (const Row& y : target.points) all.back().push_back(ground_cost(costs, x, y));
  }
  return all;
}

/// Σ 2^(f_i + g_j − scale C_ij) over the pairs that are not in the table.
long double mass_left_out(const Rows& costs, const Cells& source, const Cells& target,
                          const std::vector<std::vector<bool>>& kept, double scale) {
  long double sum = 0;
  for (std::size_t i = 0; i < source.points.size(); ++i)
    for (std::size_t j = 0; j < target.points.size(); ++j)
      if (!kept[i / cell_points][j / cell_points])
        sum += std::exp2(source.f[i] + target.f[j] - scale * costs[i][j]);
  return sum;
}

/// Potentials of the size that solutions have, which need not be one.
void draw_potentials(Random& random, Cells& side, double size) {
  side.f.clear();
  const Row slope = random.uniform_row(static_cast<int>(side.points[0].size()), -size, size);
  for (std::size_t i = 0; i < side.points.size(); ++i) {
    double f = side.log2_weights[i] + random.uniform(-1, 1);
    for (std::size_t k = 0; k < slope.size(); ++k) f += slope[k] * side.points[i][k];
    side.f.push_back(f);
  }
}

/// A measure as a cost wants it: directions are points of the unit sphere or circle.
HostMeasure placed(HostMeasure measure, const GroundCost& cost) {
  if (!takes_directions(cost)) return measure;
  for (Row& x : measure.points) {
    double norm = 0;
    for (double& c : x) {
      c -= 0.3;
      norm += c * c;
    }
    for (double& c : x) c /= std::sqrt(norm);
  }
  return measure;
}

double largest_in(const Rows& rows) {
  double most = 0;
  for (const Row& row : rows) most = std::max(most, *std::max_element(row.begin(), row.end()));
  return most;
}

TEST(CellPairs, TheBoundOfWhatIsLeftOutIsNeverViolated) {
  int looked_at = 0;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Random random(100 + seed);
    const int d = random.integer(1, 3);
    auto measures = adversarial_measures(random, 700, d);
    measures.push_back(measures.front());
    measures.back().name = "an outlier";
    measures.back().measure.points[123][0] = 1e6;
    const auto &from = measures[seed % measures.size()],
               &to = measures[random.integer(0, static_cast<int>(measures.size()) - 1)];
    for (const auto& cost : tested_costs) {
      const HostClouds costs{cost, {}, {}};
      Cells source(placed(from.measure, cost)), target(placed(to.measure, cost));
      const double scale = std::exp(random.uniform(std::log(2.0), std::log(2000.0)));
      draw_potentials(random, source, 20);
      draw_potentials(random, target, 20);
      const Rows between = costs_between(costs, source, target);
      CellPairs pairs(source.tree, target.tree, cost, scale, 1e-12 + 1e-14 * largest_in(between));
      for (const double cutoff : {1e-12, 1e-4, 1e-2, 1.0, 1e3, 1e9}) {
        pairs.choose(source.summary(), target.summary(), cutoff);
        const auto kept = as_table(pairs.kept(), target.tree.cells());
        const double bound = pairs.left_out(source.summary(), target.summary());
        const long double exact = mass_left_out(between, source, target, kept, scale);
        EXPECT_GE(bound, exact) << from.name << " to " << to.name << ", " << name(cost)
                                << ", cutoff " << cutoff;
        if (exact > 0) ++looked_at;
        // Potentials that have moved since are bounded, too.
        const Row before = source.f;
        draw_potentials(random, source, 20);
        EXPECT_GE(pairs.left_out(source.summary(), target.summary()),
                  mass_left_out(between, source, target, kept, scale));
        source.f = before;
      }
    }
  }
  EXPECT_GT(looked_at, 100);
}

/// The half-step of the targets: what makes the columns of a plan exact.
void fit_targets(const Rows& costs, const Cells& source, Cells& target, double scale) {
  target.f.clear();
  for (std::size_t j = 0; j < target.points.size(); ++j) {
    long double sum = 0;
    for (std::size_t i = 0; i < source.points.size(); ++i)
      sum += std::exp2(static_cast<long double>(source.f[i]) - scale * costs[i][j]);
    target.f.push_back(target.log2_weights[j] - static_cast<double>(std::log2(sum)));
  }
}

TEST(CellPairs, AShareOfAPlanIsNotExceeded) {
  Random random(7);
  for (const auto& [name, measure] : adversarial_measures(random, 2000, 3)) {
    Cells source(measure), target(drawn_measure(random, 1500, 3, [](Random&, Row&) {}));
    const HostClouds costs{SquaredEuclideanCost(), {}, {}};
    const double scale = 400 / std::log(2.0);
    draw_potentials(random, source, 5);
    const Rows between = costs_between(costs, source, target);
    fit_targets(between, source, target, scale);
    CellPairs pairs(source.tree, target.tree, costs.cost, scale, 1e-12);
    for (const double share : {1e-1, 1e-3, 1e-6}) {
      const double bound = pairs.choose_by_share(source.summary(), target.summary(), share);
      EXPECT_LE(bound, share) << name;
      const auto lists = pairs.kept();
      const auto exact =
          mass_left_out(between, source, target, as_table(lists, target.tree.cells()), scale);
      EXPECT_LE(exact, bound) << name;
      // And it is worth it: where points lie apart, something is left out.
      if (name == "uniform") {
        EXPECT_LT(lists.pairs(), 0.9 * source.tree.cells() * target.tree.cells());
      }
    }
  }
}

TEST(CellPairs, RowsWithoutPotentialsKeepTheirSums) {
  Random random(8);
  for (const auto& [name, measure] : adversarial_measures(random, 1200, 2)) {
    Cells source(measure), target(drawn_measure(random, 900, 2, [](Random&, Row&) {}));
    draw_potentials(random, source, 30);
    const HostClouds costs{EuclideanCost(), {}, {}};
    const double scale = 60, bits = 10;
    const CellPairs pairs(source.tree, target.tree, costs.cost, scale, 0);
    const auto kept =
        as_table(pairs.near_rows(Side::target, source.summary(), bits), source.tree.cells());
    for (std::size_t j = 0; j < target.points.size(); ++j) {
      long double whole = 0, part = 0;
      for (std::size_t i = 0; i < source.points.size(); ++i) {
        const auto term = std::exp2(static_cast<long double>(source.f[i]) -
                                    scale * ground_cost(costs, source.points[i], target.points[j]));
        whole += term;
        if (kept[j / cell_points][i / cell_points]) part += term;
      }
      ASSERT_GE(part, whole * (1 - std::exp2(-bits))) << name;
    }
  }
}

TEST(CellPairs, TransposedListsHaveTheSamePairs) {
  Random random(9);
  for (int round = 0; round < 20; ++round) {
    const int rows = random.integer(1, 40), columns = random.integer(1, 40);
    CellLists lists;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c)
        if (random.uniform() < 0.4) lists.add(c);
      lists.end_row();
    }
    const auto there = as_table(lists, columns), back = as_table(transpose(lists, columns), rows);
    ASSERT_EQ(back.size(), static_cast<std::size_t>(columns));
    double pairs = 0;
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < columns; ++c) {
        ASSERT_EQ(there[r][c], back[c][r]);
        pairs += there[r][c];
      }
    EXPECT_EQ(lists.pairs(), pairs);
  }
}

TEST(CellPairs, MinimaAndCostsOfWhatIsLeftOutAreBounded) {
  Random random(10);
  for (const auto& cost : tested_costs) {
    const HostClouds costs{cost, {}, {}};
    Cells source(placed(drawn_measure(random, 1000, 2, [](Random&, Row&) {}), cost)),
        target(placed(drawn_measure(random, 800, 2, [](Random&, Row&x) { x[0] *= 2; }), cost));
    draw_potentials(random, source, 3);
    draw_potentials(random, target, 3);
    CellPairs pairs(source.tree, target.tree, cost, 100, 1e-12);
    pairs.choose(source.summary(), target.summary(), 1e-2);
    const auto kept = as_table(pairs.kept(), target.tree.cells());
    const Row x = random.uniform_row(static_cast<int>(source.points.size()), -1, 1),
              y = random.uniform_row(static_cast<int>(target.points.size()), 0, 1);
    const auto to_targets = pairs.least_left_out(Side::target, smallest_in_nodes(source.tree, x));
    const auto to_sources = pairs.least_left_out(Side::source, smallest_in_nodes(target.tree, y));
    const auto most = pairs.most_cost_left_out(sums_in_nodes(target.tree, y));
    Row sums(source.points.size(), 0.0);
    int pairs_left_out = 0;
    for (std::size_t i = 0; i < source.points.size(); ++i)
      for (std::size_t j = 0; j < target.points.size(); ++j) {
        if (kept[i / cell_points][j / cell_points]) continue;
        ++pairs_left_out;
        const double c = ground_cost(costs, source.points[i], target.points[j]);
        ASSERT_GE(c + x[i], to_targets[j / cell_points]) << name(cost);
        ASSERT_GE(c + y[j], to_sources[i / cell_points]) << name(cost);
        sums[i] += c * y[j];
      }
    EXPECT_GT(pairs_left_out, 1000) << name(cost);
    for (std::size_t i = 0; i < sums.size(); ++i) ASSERT_LE(sums[i], most[i / cell_points]);
  }
}

}  // namespace
}  // namespace otfleet::kernels
