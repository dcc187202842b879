#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <set>

#include "distributed/hdf5_file.hpp"
#include "src/families/neural_dual/samplers/array_sampler.hpp"
#include "src/families/neural_dual/samplers/gaussian_pair.hpp"
#include "src/families/neural_dual/samplers/plane_pairs.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using std::numbers::pi;
using testing::bytes_of;
using testing::expect_error;
using testing::npy;
using testing::npy_header;
using testing::TemporaryFolder;
using testing::write_bytes;
using Values = std::vector<double>;

Values draw(const Sampler& sampler, std::int64_t first, std::int64_t count) {
  // Not a number: every element must be written.
  Values points(static_cast<std::size_t>(count * sampler.dimension()), NAN);
  sampler.fill(first, count, points.data());
  return points;
}

/// Whatever call a sample comes from, it is the same.
void expect_same_in_any_call(const Sampler& sampler) {
  const auto d = static_cast<std::size_t>(sampler.dimension());
  const Values all = draw(sampler, 0, 300);
  for (const double value : all) ASSERT_TRUE(std::isfinite(value));
  for (const auto& [first, count] : {std::pair(0, 1), {1, 127}, {100, 200}, {299, 1}, {17, 0}}) {
    const Values some = draw(sampler, first, count);
    const auto begin = all.begin() + static_cast<long>(first * d);
    EXPECT_EQ(some, Values(begin, begin + static_cast<long>(count * d))) << first;
  }
}

/// Mean and covariance [D] and [D, D].
struct Moments {
  Values mean, covariance;
};

/// Within five standard errors, estimated from the samples themselves.
void expect_moments(const Sampler& sampler, const Moments& expected) {
  constexpr std::int64_t count = 100'000;
  const auto d = static_cast<std::size_t>(sampler.dimension());
  const Values points = draw(sampler, 0, count);
  const auto check = [&](const std::function<double(const double*)>& statistic, double truth) {
    double sum = 0, square = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const double value = statistic(&points[k * d]);
      sum += value;
      square += value * value;
    }
    const double mean = sum / count, variance = std::max(square / count - mean * mean, 0.0);
    EXPECT_NEAR(mean, truth, 5 * std::sqrt(variance / count) + 1e-12);
  };
  for (std::size_t i = 0; i < d; ++i) {
    check([&](const double* x) { return x[i]; }, expected.mean[i]);
    for (std::size_t j = 0; j <= i; ++j)
      check([&](const double* x) { return (x[i] - expected.mean[i]) * (x[j] - expected.mean[j]); },
            expected.covariance[i * d + j]);
  }
}

Moments isotropic(double variance) {
  return {{0, 0}, {variance, 0, 0, variance}};
}

Moments at(double x, double y, double variance_x, double variance_y) {
  return {{x, y}, {variance_x, 0, 0, variance_y}};
}

TEST(PlanePairs, MomentsAreThoseOfTheDefinitions) {
  const Moments unit = isotropic(1);
  const Moments eight_or_four = isotropic(12.5 + 1.0 / 16);
  const double moon = 0.5 - 4 / (pi * pi), cross = -25 / (3 * pi);
  const Moments s_curve = {{0, 0},
                           {25 * (1.5 + 4 / (3 * pi)) + 25e-4, cross, cross, 25 * 0.5 + 25e-4}};
  const double x = 1 / (3 * pi), y = 1, square = 4.875 * pi * pi / 4, noise = 0.25e-4;
  const double mixed = 3 * pi / 8 - x * y;
  const Moments swiss_roll = {
      {x, y}, {square + 1.0 / 16 + noise - x * x, mixed, mixed, square - 1.0 / 16 + noise - y * y}};
  const Moments rings = isotropic(4.21875 / 2 + 0.0064);
  const Moments crescent = {{-1.5, 0}, {0.75, 0, 0, 1}};
  const std::map<std::string, std::pair<Moments, Moments>> expected = {
      {"eight_gaussians", {isotropic(1.0 / 16), eight_or_four}},
      {"square_gaussians", {isotropic(20 + 1.0 / 16), eight_or_four}},
      {"circles", {isotropic(0.5 + 1e-4), isotropic(0.125 + 1e-4)}},
      {"moons", {{{1, 0.5 - 2 / pi}, {0.5, 0, 0, moon}}, {{0, 2 / pi}, {0.5, 0, 0, moon}}}},
      {"s_curve", {s_curve, unit}},
      {"swiss_roll", {swiss_roll, unit}},
      {"rings", {rings, unit}},
      {"maf_moon", {crescent, unit}},
      {"moon_to_rings", {crescent, rings}},
      {"strips", {at(-1.125, 0, 0.0625 / 12, 1.0 / 3), at(1.125, 0, 0.0625 / 12, 1.0 / 3)}},
      {"far_gaussians", {unit, isotropic(128 + 1)}},
      {"neck", {at(-7, 0, 0.2, 0.2), at(7, 0, 0.2, 0.2)}},
      {"tunnel", {at(-11, -1, 0.5, 0.5), at(11, 1, 0.5, 0.5)}},
      {"across", {at(-1, 0, 0.0081, 0.0081), at(1, 0, 0.0081, 0.0081)}}};
  ASSERT_EQ(pair_names().size(), expected.size());
  for (const auto& name : pair_names()) {
    SCOPED_TRACE(name);
    const SamplerPair pair = plane_pair(name, 1, 0);
    EXPECT_EQ(pair.name, name);
    expect_moments(*pair.source, expected.at(name).first);
    expect_moments(*pair.target, expected.at(name).second);
  }
}

TEST(PlanePairs, SamplesLieWithinThreeDeviations) {
  for (const auto& name : pair_names()) {
    SCOPED_TRACE(name);
    const SamplerPair pair = plane_pair(name, 2, 0);
    for (const Sampler* side : {pair.source.get(), pair.target.get()}) {
      const Values points = draw(*side, 0, 4000);
      int strays = 0;
      for (std::size_t k = 0; k < points.size(); k += 2)
        strays += *side->deviations(&points[k]) > 3;
      // exp(−9/2) = 1.1 % of a normal distribution in the plane, 0.27 % of one across a curve.
      EXPECT_LT(strays, 0.016 * 4000);
      for (const Values& far : {Values{100, 100}, Values{-40, 2}, Values{0.2, -25}})
        EXPECT_GT(*side->deviations(far.data()), 3);
    }
  }
  const double beside_a_cloud[] = {5.5, 0};
  EXPECT_NEAR(*plane_pair("eight_gaussians", 0, 0).target->deviations(beside_a_cloud), 2, 1e-12);
  EXPECT_NEAR(*plane_pair("square_gaussians", 0, 0).source->deviations(beside_a_cloud),
              std::hypot(0.5, 5) / 0.25, 1e-12);
  const double between_rings[] = {0, 1.1};
  EXPECT_NEAR(*plane_pair("rings", 0, 0).source->deviations(between_rings), 0.35 / 0.08, 1e-12);
}

TEST(PlanePairs, SamplesAreTheSameInAnyCall) {
  for (const auto sequence : {SampleSequence::random, SampleSequence::sobol})
    for (const auto& name : pair_names()) {
      SCOPED_TRACE(name);
      const SamplerPair pair = plane_pair(name, 3, 7, sequence);
      expect_same_in_any_call(*pair.source);
      expect_same_in_any_call(*pair.target);
    }
}

/// Of the same distribution, and their mean is nearer to its: by a Sobol sequence of 4,096 points
/// hundreds of times in these two dimensions of noise and one of components.
TEST(PlanePairs, SobolSamplesAreEven) {
  for (const auto& name : {"eight_gaussians", "maf_moon"}) {
    double squares[2] = {};
    for (const auto sequence : {SampleSequence::random, SampleSequence::sobol})
      for (int stream = 0; stream < 20; ++stream) {
        const SamplerPair pair = plane_pair(name, 1, stream, sequence);
        const Values points = draw(*pair.source, 0, 4096);
        double sum = 0;
        for (std::size_t k = 1; k < points.size(); k += 2) sum += points[k] / 4096;
        squares[sequence == SampleSequence::sobol ? 1 : 0] += sum * sum;
      }
    EXPECT_LT(squares[1], 0.01 * squares[0]) << name;
  }
}

TEST(PlanePairs, SeedsStreamsAndSidesDiffer) {
  std::set<Values> all;
  for (const std::uint64_t seed : {0, 1})
    for (const std::uint64_t stream : {0, 1}) {
      const SamplerPair pair = plane_pair("moons", seed, stream);
      all.insert(draw(*pair.source, 0, 5));
      all.insert(draw(*pair.target, 0, 5));
      // Nor are both sides one curve with the same parameter.
      const Values x = draw(*pair.source, 0, 1), y = draw(*pair.target, 0, 1);
      EXPECT_GT(std::abs(x[0] - (1 - y[0])), 1e-6);
    }
  EXPECT_EQ(all.size(), 8u);
}

TEST(PlanePairs, CurvesLieWhereTheyShould) {
  const SamplerPair moons = plane_pair("moons", 0, 0);
  const Values upper = draw(*moons.target, 0, 1000), lower = draw(*moons.source, 0, 1000);
  for (std::size_t k = 0; k < upper.size(); k += 2) {
    EXPECT_NEAR(std::hypot(upper[k], upper[k + 1]), 1, 1e-12);
    EXPECT_GE(upper[k + 1], 0);
    EXPECT_NEAR(std::hypot(lower[k] - 1, lower[k + 1] - 0.5), 1, 1e-12);
    EXPECT_LE(lower[k + 1], 0.5);
  }
  // Every ring has a quarter of the samples, every one of eight Gaussians an eighth.
  const Values rings = draw(*plane_pair("rings", 0, 0).source, 0, 40'000);
  std::map<long, int> count;
  for (std::size_t k = 0; k < rings.size(); k += 2)
    ++count[std::lround(std::hypot(rings[k], rings[k + 1]) / 0.75)];
  for (long ring = 1; ring <= 4; ++ring) EXPECT_NEAR(count[ring], 10'000, 500) << ring;
  const Values eight = draw(*plane_pair("eight_gaussians", 0, 0).target, 0, 40'000);
  count.clear();
  for (std::size_t k = 0; k < eight.size(); k += 2)
    ++count[std::lround(std::atan2(eight[k + 1], eight[k]) / (pi / 4) + 8) % 8];
  EXPECT_EQ(count.size(), 8u);
  for (const auto& [center, samples] : count) EXPECT_NEAR(samples, 5000, 400) << center;
}

TEST(PlanePairs, UnknownNamesAreRefused) {
  expect_error([] { plane_pair("moon", 0, 0); }, "'moon'", "did you mean 'moons'", "swiss_roll");
  expect_error([] { plane_pair("", 0, 0); }, "no pair", "rings");
}

TEST(GaussianPairs, MomentsAndSamples) {
  for (const std::int64_t dimension : {1, 2, 5}) {
    SCOPED_TRACE(dimension);
    const GaussianPair gaussians(dimension, 11);
    const SamplerPair pair = gaussians.samplers(0);
    EXPECT_EQ(pair.source->dimension(), dimension);
    expect_moments(*pair.source, {gaussians.source_mean(), gaussians.source_covariance()});
    expect_moments(*pair.target, {gaussians.target_mean(), gaussians.target_covariance()});
    expect_same_in_any_call(*pair.source);
    expect_same_in_any_call(*pair.target);
  }
}

TEST(GaussianPairs, MapPushesForwardAndBack) {
  for (const std::int64_t dimension : {1, 3, 16}) {
    SCOPED_TRACE(dimension);
    const GaussianPair gaussians(dimension, 5);
    const auto d = static_cast<std::size_t>(dimension);
    const Values x = draw(*gaussians.samplers(2).source, 0, 50'000);
    Values y(x.size()), back(x.size());
    gaussians.map(50'000, x.data(), y.data());
    gaussians.inverse_map(50'000, y.data(), back.data());
    double cost = 0;
    for (std::size_t at = 0; at < x.size(); ++at) {
      ASSERT_NEAR(back[at], x[at], 1e-11);
      cost += (x[at] - y[at]) * (x[at] - y[at]);
    }
    EXPECT_NEAR(std::sqrt(cost / 50'000), gaussians.distance(), 0.03 * gaussians.distance());
    // The slope A, from images of the unit vectors: symmetric, and A S₁ A = S₂.
    Values unit(d * (d + 1)), image(d * (d + 1)), a(d * d);
    for (std::size_t i = 0; i < d; ++i) unit[(i + 1) * d + i] = 1;
    gaussians.map(dimension + 1, unit.data(), image.data());
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j) a[j * d + i] = image[(i + 1) * d + j] - image[j];
    const Values from = gaussians.source_covariance(), to = gaussians.target_covariance();
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j) {
        EXPECT_NEAR(a[i * d + j], a[j * d + i], 1e-12);
        double sum = 0;
        for (std::size_t k = 0; k < d; ++k)
          for (std::size_t l = 0; l < d; ++l) sum += a[i * d + k] * from[k * d + l] * a[l * d + j];
        EXPECT_NEAR(sum, to[i * d + j], 1e-11);
      }
  }
}

class ArraySamplers : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::string& shape, const Values& values) {
    write_bytes(folder_ / "samples.npy", npy(npy_header("<f8", shape), bytes_of(values)));
    return folder_ / "samples.npy";
  }
  void expect_refused(const std::filesystem::path& file, const std::string& message) {
    expect_error([&] { array_sampler({file, ""}, 0, 0); }, file.string(), message);
  }
  TemporaryFolder folder_;
};

TEST_F(ArraySamplers, DrawsRowsWithReplacement) {
  const auto file = write("(3, 2)", {1, -1, 2, -2, 3, -3});
  const auto sampler = array_sampler({file, ""}, 4, 9);
  EXPECT_EQ(sampler->dimension(), 2);
  expect_same_in_any_call(*sampler);
  const Values points = draw(*sampler, 0, 30'000);
  std::map<double, int> count;
  for (std::size_t k = 0; k < points.size(); k += 2) {
    ASSERT_EQ(points[k], -points[k + 1]);
    ++count[points[k]];
  }
  ASSERT_EQ(count.size(), 3u);
  for (const auto& [row, times] : count) EXPECT_NEAR(times, 10'000, 500) << row;
}

TEST_F(ArraySamplers, EveryRowComesOnceBeforeAnyComesAgain) {
  for (const int rows : {1, 2, 7, 64, 100}) {
    Values values;
    for (int row = 0; row < rows; ++row) values.push_back(row);
    const auto file = write("(" + std::to_string(rows) + ", 1)", values);
    const auto sampler = array_sampler({file, ""}, 4, 9, SampleSequence::sobol);
    expect_same_in_any_call(*sampler);
    std::set<Values> orders;
    for (int pass = 0; pass < 20; ++pass) {
      const Values drawn = draw(*sampler, pass * rows, rows);
      EXPECT_EQ(std::set<double>(drawn.begin(), drawn.end()).size(), drawn.size());
      orders.insert(drawn);
    }
    if (rows >= 7) {
      EXPECT_GT(orders.size(), 15u);
    }
  }
}

TEST_F(ArraySamplers, ReadsHdf5) {
  const auto path = folder_ / "samples.h5";
  auto file = distributed::Hdf5File::create(path);
  file.write<double>("/cloud", {1, 3}, Values{1, 2, 3});
  file.close();
  EXPECT_EQ(draw(*array_sampler({path, "cloud"}, 0, 0), 5, 1), (Values{1, 2, 3}));
  expect_error([&] { array_sampler({path, ""}, 0, 0); }, path.string(), "/cloud");
}

TEST_F(ArraySamplers, RefusesWhatIsNoSamples) {
  expect_refused(folder_ / "missing.npy", "missing.npy");
  expect_refused(write("(0, 2)", {}), "holds no samples, its shape is [0, 2]");
  expect_refused(write("(2, 0)", {}), "holds no samples");
  expect_refused(write("(4,)", {1, 2, 3, 4}), "must be an array [N, D], not shape [4]");
  expect_refused(write("(1, 2, 2)", {1, 2, 3, 4}), "not shape [1, 2, 2]");
  expect_refused(write("(2, 2)", {1, 2, NAN, 4}), "sample 1 is not finite");
  expect_refused(write("(2, 2)", {1, INFINITY, 2, 4}), "sample 0 is not finite");
}

}  // namespace
}  // namespace otfleet
