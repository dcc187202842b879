#include "kernels/api/spline_potentials.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/api/initializers.hpp"
#include "tests/kernels/host_batch.hpp"

// What a network sees of clouds, and what its coefficients become.

namespace otfleet::kernels::test {
namespace {

constexpr double epsilon = 0.02;

/// Clouds of a few sizes, every fifth point without weight.
struct Clouds {
  int d;
  Row points, weights;
  std::vector<std::int64_t> offsets = {0};

  Clouds(int dimension, const std::vector<int>& sizes, std::uint64_t seed) : d(dimension) {
    Random random(seed);
    for (const int size : sizes) {
      const Row x = random.uniform_row(size * d, -1, 1), a = random.uniform_row(size, 0.1, 1);
      points.insert(points.end(), x.begin(), x.end());
      for (int i = 0; i < size; ++i) weights.push_back(i % 5 == 4 ? 0 : a[i]);
      offsets.push_back(offsets.back() + size);
    }
  }

  OwnPointsSide side() const { return {weights, points, offsets}; }
  Problems problems(const std::vector<std::int32_t>& sources,
                    const std::vector<std::int32_t>& targets,
                    const GroundCost& cost = SquaredEuclideanCost()) const {
    return Problems::between_clouds(cost, d, side(), {}).between(sources, targets);
  }
};

const std::vector<std::int32_t> sources = {0, 2, 1}, targets = {1, 0, 1};

std::size_t entries(const Problems& problems) {
  return static_cast<std::size_t>(problems.source_offsets().back());
}

SplineBasis basis_of(int d) {
  return {d, d == 3 ? 5 : 7};
}

/// The same at any number of problems.
DeviceArray<float, 2> some_coefficients(const Problems& problems, const SplineBasis& basis) {
  Random random(4);
  std::vector<float> values;
  for (const double value : random.uniform_row(problems.size() * basis.size(), -1, 1))
    values.push_back(static_cast<float>(value));
  return upload<float>("otfleet::test::coefficients", values,
                       static_cast<std::size_t>(problems.size()),
                       static_cast<std::size_t>(basis.size()));
}

Row potential(const Problems& problems, const SplineFrameRows& frames, const SplineBasis& basis,
              const DeviceArray<float, 2>& coefficients) {
  const DeviceArray<double> f("otfleet::test::f", entries(problems));
  spline_potential(problems, frames, basis, epsilon, coefficients, f);
  return f.download();
}

std::vector<float> inputs(const Problems& problems, const SplineFrameRows& frames,
                          const SplineBasis& basis, Side side, bool extra = false) {
  const DeviceArray<float, 2> seen(
      "otfleet::test::inputs", static_cast<std::size_t>(problems.size()),
      static_cast<std::size_t>(basis.size() + (extra ? extra_spline_inputs(basis) : 0)));
  spline_inputs(problems, frames, basis, side, epsilon, seen);
  return seen.download();
}

FrameBox unit_box() {
  FrameBox box;
  for (int p = 0; p < most_spline_dimension; ++p) {
    box.lower[p] = -1;
    box.upper[p] = 1;
  }
  box.scale = 0.7;
  return box;
}

TEST(SplinePotential, WithoutCoefficientsItIsTheGaussianOne) {
  for (const int d : {1, 2, 3}) {
    const Clouds clouds(d, {30, 41, 25}, 1);
    const Problems problems = clouds.problems(sources, targets);
    const auto basis = basis_of(d);
    const DeviceArray<float, 2> none("otfleet::test::none", 3, basis.size());
    const Row found = potential(problems, pair_frames(problems), basis, none);
    const DeviceArray<double> f("otfleet::test::f", entries(problems));
    gaussian_initializer(problems, f);
    const Row gaussian = f.download();
    const auto offsets = problems.source_offsets();
    for (std::size_t k = 0; k < sources.size(); ++k)
      for (std::int64_t i = offsets[k]; i < offsets[k + 1]; ++i) {
        const auto first = clouds.offsets[static_cast<std::size_t>(sources[k])];
        const auto begin = clouds.weights.begin() + first;
        const double mass = std::accumulate(begin, begin + (offsets[k + 1] - offsets[k]), 0.0);
        const double weight = begin[i - offsets[k]];
        if (weight == 0)
          EXPECT_EQ(found[i], -std::numeric_limits<double>::infinity());
        else  // the covariances are a millionth wider
          EXPECT_NEAR(found[i], gaussian[i] + epsilon * std::log(weight / mass), 2e-5);
      }
  }
}

/// Turned, mirrored, moved and, with epsilon, stretched together, clouds are the same problem.
TEST(SplinePotential, KnowsNoDirectionsAndNoOrder) {
  const Clouds clouds(2, {60, 41, 50}, 2);
  Clouds moved = clouds;
  const double c = std::cos(0.7), s = std::sin(0.7);
  for (std::size_t i = 0; i < clouds.points.size(); i += 2) {
    const double x = clouds.points[i], y = clouds.points[i + 1];
    moved.points[i] = 5 + c * x + s * y;
    moved.points[i + 1] = s * x - c * y - 3;
  }
  Clouds reversed = clouds;
  for (std::size_t m = 0; m < 3; ++m) {
    const std::int64_t begin = clouds.offsets[m], end = clouds.offsets[m + 1];
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t from = begin + end - 1 - i;
      reversed.weights[i] = clouds.weights[from];
      for (int p = 0; p < 2; ++p) reversed.points[2 * i + p] = clouds.points[2 * from + p];
    }
  }
  const auto basis = basis_of(2);
  const Problems one = clouds.problems(sources, targets);
  const auto frames = pair_frames(one);
  const auto coefficients = some_coefficients(one, basis);
  const Row expected = potential(one, frames, basis, coefficients);
  for (const Clouds* other : {&moved, &reversed}) {
    const Problems same = other->problems(sources, targets);
    const auto own = pair_frames(same);
    for (const Side side : {Side::source, Side::target}) {
      const auto wanted = inputs(one, frames, basis, side, true);
      const auto found = inputs(same, own, basis, side, true);
      for (std::size_t e = 0; e < wanted.size(); ++e) EXPECT_NEAR(found[e], wanted[e], 1e-5);
    }
    const Row f = potential(same, own, basis, coefficients);
    const auto offsets = one.source_offsets();
    for (std::size_t k = 0; k < sources.size(); ++k) {
      // Up to a constant.
      const auto at = [&](std::int64_t i) {
        return other == &moved ? i : offsets[k] + offsets[k + 1] - 1 - i;
      };
      const double shift = f[at(offsets[k])] - expected[offsets[k]];
      for (std::int64_t i = offsets[k]; i < offsets[k + 1]; ++i)
        if (std::isfinite(expected[i])) {
          EXPECT_NEAR(f[at(i)] - shift, expected[i], 1e-9);
        }
    }
  }
}

TEST(SplinePotential, InputsHoldTheWholeMass) {
  for (const int d : {1, 2, 3}) {
    const Clouds clouds(d, {30, 41, 25}, 3);
    const Problems problems = clouds.problems(sources, targets);
    const auto basis = basis_of(d);
    for (const auto& frames : {pair_frames(problems), box_frames(problems, unit_box())})
      for (const Side side : {Side::source, Side::target}) {
        const auto seen = inputs(problems, frames, basis, side);
        for (int k = 0; k < 3; ++k) {
          double mass = 0;
          for (int s = 0; s < basis.size(); ++s) {
            const double sum = (seen[k * basis.size() + s] + 0.25) * 4 / basis.size();
            EXPECT_GE(sum, -1e-7);
            mass += sum;
          }
          EXPECT_NEAR(mass, 1, 1e-5);
        }
      }
  }
}

TEST(SplinePotential, GradientIsThatOfThePotential) {
  for (const int d : {1, 2, 3}) {
    const Clouds clouds(d, {30, 41, 25}, 5);
    const Problems problems = clouds.problems(sources, targets);
    const auto basis = basis_of(d);
    Row slope = Random(6).uniform_row(static_cast<int>(entries(problems)), -1, 1);
    slope[0] = 0;
    for (const auto& frames : {pair_frames(problems), box_frames(problems, unit_box())}) {
      // f is linear in the coefficients: <slope, f(c) − f(0)> = <gradient, c>.
      const auto coefficients = some_coefficients(problems, basis);
      const DeviceArray<float, 2> none("otfleet::test::none", 3, basis.size());
      const Row with = potential(problems, frames, basis, coefficients),
                without = potential(problems, frames, basis, none);
      const DeviceArray<float, 2> gradient("otfleet::test::gradient", 3, basis.size());
      Row finite = slope;
      for (std::size_t i = 0; i < finite.size(); ++i)
        if (std::isinf(with[i])) finite[i] = 0;
      spline_gradient(problems, frames, basis, upload<double>("otfleet::test::slope", finite),
                      gradient);
      const auto c = coefficients.download(), g = gradient.download();
      const auto offsets = problems.source_offsets();
      for (int k = 0; k < 3; ++k) {
        double left = 0, right = 0;
        for (std::int64_t i = offsets[k]; i < offsets[k + 1]; ++i)
          if (finite[i] != 0) left += finite[i] * (with[i] - without[i]);
        for (int s = 0; s < basis.size(); ++s)
          right += static_cast<double>(c[k * basis.size() + s]) * g[k * basis.size() + s];
        EXPECT_NEAR(left, right, 1e-5 * (1 + std::abs(left)));
      }
    }
  }
}

/// A slope that is no number, or none at all, gives zeros.
TEST(SplinePotential, GradientOfNothing) {
  const Clouds clouds(2, {30, 41, 25}, 5);
  const Problems problems = clouds.problems(sources, targets);
  const auto basis = basis_of(2);
  for (const double value : {0.0, std::numeric_limits<double>::quiet_NaN()}) {
    const DeviceArray<float, 2> gradient("otfleet::test::gradient", 3, basis.size());
    gradient.fill(7);
    spline_gradient(problems, pair_frames(problems), basis,
                    upload<double>("otfleet::test::slope", Row(entries(problems), value)),
                    gradient);
    for (const float found : gradient.download()) EXPECT_EQ(found, 0);
  }
}

/// A point, equal points, a line: every number is finite, and a problem without extent has the
/// potential of its means.
TEST(SplinePotential, CloudsWithoutExtent) {
  const std::vector<double> points = {1, 2, 1, 2, 1, 2, 0, 0, 1, 1, 2, 2, 7, 8}, weights(7, 1.0);
  const std::vector<std::int64_t> offsets = {0, 3, 6, 7};
  const Problems problems =
      Problems::between_clouds(SquaredEuclideanCost(), 2, {weights, points, offsets}, {})
          .between(std::vector<std::int32_t>{0, 0, 1, 2, 1},
                   std::vector<std::int32_t>{2, 1, 0, 0, 1});
  const auto basis = basis_of(2);
  const auto frames = pair_frames(problems);
  for (const Side side : {Side::source, Side::target})
    for (const float value : inputs(problems, frames, basis, side, true))
      EXPECT_TRUE(std::isfinite(value));
  const Row f = potential(problems, frames, basis, some_coefficients(problems, basis));
  for (const double value : f) EXPECT_TRUE(std::isfinite(value));
  // Between points: |x|² − 2 <y, x>, the same for all three.
  EXPECT_NEAR(f[0], 1 + 4 - 2 * (7 + 16) + epsilon * std::log(1.0 / 3), 1e-9);
  EXPECT_EQ(f[0], f[2]);
}

TEST(SplinePotential, RefusesWhatDoesNotFit) {
  const Clouds four(4, {10, 11, 12}, 7), two(2, {10, 11, 12}, 7);
  EXPECT_THROW(pair_frames(four.problems(sources, targets)), std::invalid_argument);
  const Problems problems = two.problems(sources, targets);
  const auto frames = pair_frames(problems);
  const DeviceArray<float, 2> few("otfleet::test::few", 3, 8), some("otfleet::test::some", 3, 9);
  EXPECT_THROW(spline_inputs(problems, frames, {2, 3}, Side::source, epsilon, few),
               std::invalid_argument);
  EXPECT_NO_THROW(spline_inputs(problems, frames, {2, 3}, Side::source, epsilon, some));
  EXPECT_THROW(spline_inputs(problems, frames, {3, 3}, Side::source, epsilon, some),
               std::invalid_argument);
  const DeviceArray<double> f("otfleet::test::f", entries(problems) - 1);
  EXPECT_THROW(spline_potential(problems, frames, {2, 3}, epsilon, some, f), std::invalid_argument);
  const Problems shared = Problems::between_points(
      SquaredEuclideanCost(), 2, {two.weights, two.points}, {two.weights, two.points});
  EXPECT_THROW(pair_frames(shared), std::invalid_argument);
}

}  // namespace
}  // namespace otfleet::kernels::test
