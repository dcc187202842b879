#include "src/trainers/pair_sampler.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <optional>
#include <set>

#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using distributed::Shard;
using testing::blob_population;
using testing::dense_population;
using testing::weights_of;
using Values = std::vector<double>;
using Shift = std::vector<int>;

/// Samples first … first + count − 1: rows of a and of b.
struct Samples {
  Values a, b;
  std::int64_t n, m;

  Values a_row(std::int64_t k) const { return {a.begin() + k * n, a.begin() + (k + 1) * n}; }
  Values b_row(std::int64_t k) const { return {b.begin() + k * m, b.begin() + (k + 1) * m}; }
};

Samples draw(const PairSampler& sampler, const Population& population, std::int64_t first,
             std::int64_t count) {
  const std::int64_t n = population.geometry.n, m = population.geometry.m;
  const DeviceArray<double, 2> a("otfleet::test::a", count, n), b("otfleet::test::b", count, m);
  // Not zero: every element must be written.
  a.fill(-1);
  b.fill(-1);
  sampler.draw(first, a, b);
  return {a.download(), b.download(), n, m};
}

Shard all_of(const Population& population) {
  return {0, population.problems()};
}

/// One measure on a grid of any shape, with weight only from `low` on, `extent` points per axis.
Population block_population(const std::vector<int>& shape, const Shift& low, const Shift& extent) {
  Population population;
  Geometry& geometry = population.geometry;
  geometry.n = 1;
  for (const int length : shape) {
    auto& axis = geometry.axes.emplace_back();
    for (int i = 0; i < length; ++i) axis.push_back(i);
    geometry.n *= length;
  }
  geometry.m = geometry.n;
  population.source_measures = 1;
  double weight = 0, mass = 0;
  for (std::int64_t point = 0; point < geometry.n; ++point) {
    bool inside = true;
    std::int64_t rest = point;
    for (std::size_t d = shape.size(); d-- > 0; rest /= shape[d]) {
      const auto at = static_cast<int>(rest % shape[d]);
      inside = inside && at >= low[d] && at < low[d] + extent[d];
    }
    // Every weight another one, so that a shift can be told.
    population.source_weights.push_back(inside ? ++weight : 0);
    mass += population.source_weights.back();
  }
  for (double& value : population.source_weights) value /= mass;
  population.source = population.target = {0};
  return population;
}

/// `measure` moved by `shift`; nothing if weight would leave the grid.
std::optional<Values> moved(const Values& measure, const std::vector<int>& shape,
                            const Shift& shift) {
  Values result(measure.size(), 0.0);
  for (std::size_t point = 0; point < measure.size(); ++point) {
    if (measure[point] == 0) continue;
    std::size_t rest = point, to = 0, stride = 1;
    for (std::size_t d = shape.size(); d-- > 0;) {
      const int at = static_cast<int>(rest % shape[d]) + shift[d];
      if (at < 0 || at >= shape[d]) return std::nullopt;
      rest /= shape[d];
      to += static_cast<std::size_t>(at) * stride;
      stride *= static_cast<std::size_t>(shape[d]);
    }
    result[to] = measure[point];
  }
  return result;
}

/// Every shift of at most `most` points along every axis.
std::vector<Shift> shifts_up_to(int most, std::size_t axes) {
  std::vector<Shift> result = {{}};
  for (std::size_t d = 0; d < axes; ++d) {
    std::vector<Shift> longer;
    for (const Shift& shift : result)
      for (int step = -most; step <= most; ++step) {
        longer.push_back(shift);
        longer.back().push_back(step);
      }
    result = longer;
  }
  return result;
}

/// Equal up to the rounding of a division by a mass that is 1 up to rounding.
bool same(const Values& a, const Values& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::abs(a[i] - b[i]) > 1e-15) return false;
  return a.size() == b.size();
}

TEST(PairSampler, SplitsOfABatchDrawTheSameSamples) {
  const Population grid = blob_population(8, 5, 30), dense = dense_population(6, 9, 4, 30);
  for (const Population* population : {&grid, &dense}) {
    const PairSampler sampler(*population, all_of(*population), 7, true);
    const Samples whole = draw(sampler, *population, 40, 12);
    for (const std::int64_t cut : {0, 1, 5, 12}) {
      const Samples left = draw(sampler, *population, 40, cut);
      const Samples right = draw(sampler, *population, 40 + cut, 12 - cut);
      Values a = left.a, b = left.b;
      a.insert(a.end(), right.a.begin(), right.a.end());
      b.insert(b.end(), right.b.begin(), right.b.end());
      EXPECT_EQ(a, whole.a);
      EXPECT_EQ(b, whole.b);
    }
    // Another sampler with the same seed is the same sampler; another seed is another one.
    EXPECT_EQ(draw(PairSampler(*population, all_of(*population), 7, true), *population, 40, 12).a,
              whole.a);
    EXPECT_NE(draw(PairSampler(*population, all_of(*population), 8, true), *population, 40, 12).a,
              whole.a);
    EXPECT_NE(draw(sampler, *population, 52, 12).a, whole.a);
  }
}

TEST(PairSampler, EveryRowHasMassOne) {
  Population heavy = dense_population(6, 9, 4, 30);
  for (double& weight : heavy.source_weights) weight *= 250;
  for (double& weight : heavy.target_weights) weight *= 250;
  Population grid = blob_population(8, 5, 30);
  for (Population* population : {&heavy, &grid})
    for (const bool augment : {false, true}) {
      const Samples samples =
          draw(PairSampler(*population, all_of(*population), 3, augment), *population, 0, 100);
      for (std::int64_t k = 0; k < 100; ++k) {
        const Values a = samples.a_row(k), b = samples.b_row(k);
        EXPECT_NEAR(std::accumulate(a.begin(), a.end(), 0.0), 1, 1e-14);
        EXPECT_NEAR(std::accumulate(b.begin(), b.end(), 0.0), 1, 1e-14);
      }
    }
}

TEST(PairSampler, WithoutAugmentationRowsAreProblemsOfThePopulation) {
  const Population grid = blob_population(8, 5, 10), dense = dense_population(6, 9, 4, 10);
  for (const Population* population : {&grid, &dense})
    // A dense geometry has nothing to augment.
    for (const bool augment : {false, true}) {
      if (augment && population == &grid) continue;
      const PairSampler sampler(*population, all_of(*population), 1, augment);
      const Samples samples = draw(sampler, *population, 0, 200);
      std::set<std::int64_t> seen;
      for (std::int64_t k = 0; k < 200; ++k) {
        std::int64_t matches = 0;
        for (std::int64_t problem = 0; problem < population->problems(); ++problem) {
          if (!same(samples.a_row(k), weights_of(*population, true, problem)) ||
              !same(samples.b_row(k), weights_of(*population, false, problem)))
            continue;
          ++matches;
          seen.insert(problem);
        }
        EXPECT_GE(matches, 1) << "sample " << k << " is no problem of the population";
      }
      // A problem of ten is missed by 200 draws with probability 7e-10.
      EXPECT_EQ(seen.size(), 10u);
    }
}

TEST(PairSampler, DrawsFromItsShardOnly) {
  const Population population = dense_population(6, 9, 12, 12);
  const PairSampler sampler(population, {5, 8}, 2, false);
  const Samples samples = draw(sampler, population, 0, 100);
  std::set<std::int64_t> seen;
  for (std::int64_t k = 0; k < 100; ++k) {
    bool inside = false;
    for (std::int64_t problem = 5; problem < 8; ++problem)
      if (same(samples.a_row(k), weights_of(population, true, problem)) &&
          same(samples.b_row(k), weights_of(population, false, problem))) {
        inside = true;
        seen.insert(problem);
      }
    EXPECT_TRUE(inside) << "sample " << k;
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST(PairSampler, ShiftsKeepMassInsideAndTheProblem) {
  const Population population = blob_population(8, 5, 30);
  const Samples plain =
      draw(PairSampler(population, all_of(population), 4, false), population, 0, 150);
  const Samples augmented =
      draw(PairSampler(population, all_of(population), 4, true), population, 0, 150);
  const auto shift_of = [](const Values& from, const Values& to) -> std::optional<Shift> {
    for (const Shift& shift : shifts_up_to(PairSampler::max_shift, 2)) {
      const auto candidate = moved(from, {8, 8}, shift);
      if (candidate && same(*candidate, to)) return shift;
    }
    return std::nullopt;
  };
  int moves = 0;
  for (std::int64_t k = 0; k < 150; ++k) {
    const auto source = shift_of(plain.a_row(k), augmented.a_row(k));
    const auto target = shift_of(plain.b_row(k), augmented.b_row(k));
    ASSERT_TRUE(source && target) << "sample " << k << " is no shift of its problem";
    moves += *source != Shift{0, 0};
  }
  EXPECT_GT(moves, 75);
}

/// Which shifts there are: up to three points, and to the edge but not over it.
TEST(PairSampler, EveryAllowedShiftComes) {
  struct Case {
    std::vector<int> shape;
    Shift low, extent, least, most;
  };
  const Case cases[] = {
      {{12}, {5}, {2}, {-3}, {3}},
      {{6, 5}, {2, 0}, {2, 5}, {-2, 0}, {2, 0}},
      {{9, 9}, {0, 7}, {2, 2}, {0, -3}, {3, 0}},
      {{4, 3, 5}, {1, 0, 4}, {1, 2, 1}, {-1, 0, -3}, {2, 1, 0}},
  };
  for (const Case& c : cases) {
    const Population population = block_population(c.shape, c.low, c.extent);
    const Samples samples = draw(PairSampler(population, {0, 1}, 5, true), population, 0, 1000);
    std::set<Shift> expected, seen;
    int apart = 0;
    for (const Shift& shift : shifts_up_to(5, c.shape.size())) {
      bool allowed = true;
      for (std::size_t d = 0; d < shift.size(); ++d)
        allowed = allowed && shift[d] >= c.least[d] && shift[d] <= c.most[d];
      if (allowed) expected.insert(shift);
    }
    for (std::int64_t k = 0; k < 1000; ++k) {
      bool found = false;
      for (const Shift& shift : expected)
        if (same(*moved(population.source_weights, c.shape, shift), samples.a_row(k))) {
          seen.insert(shift);
          found = true;
        }
      ASSERT_TRUE(found) << "sample " << k;
      apart += samples.a_row(k) != samples.b_row(k);
    }
    EXPECT_GT(apart,
              700);  // source and target move on their own; 5 shifts agree a fifth of the time
    // At most 32 shifts: 1000 draws miss one with probability below 1e-11.
    EXPECT_EQ(seen, expected);
  }
}

}  // namespace
}  // namespace otfleet
