#include "src/populations/cloud_population.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/src/expect_error.hpp"
#include "tests/src/small_populations.hpp"
#include "tests/src/temporary_folder.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::cloud_population;
using testing::expect_error;
using testing::TemporaryFolder;
using Values = std::vector<double>;
using Offsets = std::vector<std::int64_t>;

void expect_equal(const CloudTable& one, const CloudTable& other) {
  EXPECT_EQ(one.weights, other.weights);
  EXPECT_EQ(one.points, other.points);
  EXPECT_EQ(one.offsets, other.offsets);
}

/// Of two coordinates.
void make_unit_vectors(CloudTable& table) {
  for (std::size_t i = 0; i < table.points.size(); i += 2) {
    const double length = std::hypot(table.points[i], table.points[i + 1]);
    table.points[i] /= length;
    table.points[i + 1] /= length;
  }
}

TEST(CloudPopulationFile, RoundTrip) {
  const TemporaryFolder folder;
  for (const bool shared : {true, false})
    for (const auto& cost : ground_cost_names()) {
      auto written = cloud_population(5, 9, 7, shared, cost);
      if (cost == "great_circle") {
        written.ground_cost = kernels::GreatCircleCost(1.25);
        for (CloudTable* table : {&written.sources, &written.targets}) make_unit_vectors(*table);
      }
      write_cloud_population(folder / "pop.h5", written);
      EXPECT_TRUE(holds_clouds(folder / "pop.h5"));
      const auto read = read_cloud_population(folder / "pop.h5");
      EXPECT_EQ(read.cost_name(), cost);
      EXPECT_EQ(read.ground_cost, written.ground_cost);
      EXPECT_EQ(read.dimension, 2);
      EXPECT_EQ(read.shared_measures, shared);
      expect_equal(read.sources, written.sources);
      expect_equal(read.targets, written.targets);
      EXPECT_EQ(read.source, written.source);
      EXPECT_EQ(read.target, written.target);
      EXPECT_EQ(read.fingerprint(), written.fingerprint());
    }
}

TEST(CloudPopulationFile, KeepsContextsAndImages) {
  const TemporaryFolder folder;
  auto written = cloud_population(3, 4, 2, true);
  written.contexts = {2, {0, 1, 2, 3}};
  written.images.resize(static_cast<std::size_t>(2 * written.source_point_offsets().back()), 0.5);
  ASSERT_EQ(written.problems(), 2);
  write_cloud_population(folder / "pop.h5", written);
  const auto read = read_cloud_population(folder / "pop.h5");
  EXPECT_EQ(read.contexts.width, 2);
  EXPECT_EQ(read.contexts.values, written.contexts.values);
  EXPECT_EQ(read.images, written.images);
  auto changed = written;
  changed.contexts.values[3] = 4;
  EXPECT_NE(changed.content_fingerprint(), written.content_fingerprint());

  changed.contexts.values.pop_back();
  changed.contexts.values.pop_back();
  expect_error([&] { changed.validate("pop.h5"); }, "/problems/context has 1 rows for 2 problems");
  changed = written;
  changed.contexts.values[2] = std::nan("");
  expect_error([&] { changed.validate("pop.h5"); }, "/problems/context holds nan in row 1");
  changed = written;
  changed.images.resize(2);
  expect_error([&] { changed.validate("pop.h5"); }, "/problems/image has 1 rows for");
}

TEST(CloudPopulationFile, KeepsNames) {
  const TemporaryFolder folder;
  for (const bool shared : {true, false}) {
    const auto plain = cloud_population(2, 4, 2, shared);
    auto named = plain;
    named.sources.names = {"b.png", "Gr\u00fc\u00dfe a.jpeg"};
    if (!shared) named.targets.names = {"", "x", "y"};
    write_cloud_population(folder / "pop.h5", named);
    const auto read = read_cloud_population(folder / "pop.h5");
    EXPECT_EQ(read.sources.names, named.sources.names);
    EXPECT_EQ(read.targets.names, named.targets.names);
    EXPECT_EQ(read_cloud_outline(Hdf5File::open(folder / "pop.h5")).sources.names,
              named.sources.names);
    EXPECT_EQ(named.fingerprint(), plain.fingerprint());
    EXPECT_NE(named.content_fingerprint(), plain.content_fingerprint());
    EXPECT_EQ(read.content_fingerprint(), named.content_fingerprint());
    named.sources.names.pop_back();
    const std::string side = shared ? "/measures/" : "/measures/source_";
    expect_error([&] { named.validate("pop.h5"); },
                 "pop.h5: " + side + "names holds 1 names, but there are 2 measures");
    write_cloud_population(folder / "pop.h5", named);
    expect_error([&] { read_cloud_population(folder / "pop.h5"); },
                 side + "names holds 1 names, but there are 2 measures");
  }
}

TEST(CloudPopulationFile, FingerprintDependsOnTheCostAlone) {
  const auto one = cloud_population(3, 4, 2, true), other = cloud_population(4, 6, 3, false);
  EXPECT_EQ(one.fingerprint(), other.fingerprint());
  auto changed = one;
  changed.ground_cost = kernels::PowerCost(1.5);
  EXPECT_NE(changed.fingerprint(), one.fingerprint());
  auto power = changed;
  power.ground_cost = kernels::PowerCost(2);
  EXPECT_NE(power.fingerprint(), changed.fingerprint());
  changed = one;
  changed.dimension = 3;
  EXPECT_NE(changed.fingerprint(), one.fingerprint());
}

/// Measures of 2, 1 and 3 points on the line, two problems.
CloudPopulation small() {
  CloudPopulation population;
  population.dimension = 1;
  population.sources = {{0.5, 0.5, 1, 0.25, 0.5, 0.25}, {0, 1, 2, 3, 4, 5}, {0, 2, 3, 6}};
  population.source = {0, 2};
  population.target = {1, 0};
  return population;
}

template <class Change, class... Parts>
void expect_refused(const Change& change, const Parts&... parts) {
  auto population = small();
  EXPECT_NO_THROW(population.validate("pop.h5"));
  change(population);
  expect_error([&] { population.validate("pop.h5"); }, "pop.h5: ", parts...);
}

TEST(CloudPopulationValidation, Offsets) {
  const auto set = [](Offsets offsets) {
    return [offsets](CloudPopulation& p) { p.sources.offsets = offsets; };
  };
  expect_refused(set({}), "/measures/offsets is empty");
  expect_refused(set({1, 2, 6}), "/measures/offsets begins with 1, not with 0");
  expect_refused(set({0, 3, 2, 6}), "/measures/offsets falls from 3 to 2 after measure 1");
  expect_refused(set({0, 2, 2, 6}), "/measures/offsets: measure 1 has no points");
  expect_refused(set({0, 2, 3, 5}), "/measures/offsets ends with 5, but there are 6 weights");
  expect_refused(
      [](CloudPopulation& p) {
        p.sources = {{}, {}, {0}};
      },
      "/measures/offsets holds no measures");
  expect_refused(
      [](CloudPopulation& p) {
        p.shared_measures = false;
        p.targets = p.sources;
        p.targets.offsets[1] = 7;
      },
      "/measures/target_offsets falls from 7 to 3 after measure 1");
}

TEST(CloudPopulationValidation, WeightsPointsAndProblems) {
  expect_refused([](CloudPopulation& p) { p.sources.weights[4] = -0.5; },
                 "/measures/weights measure 2 has a negative weight (-0.5 at point 1)");
  expect_refused([](CloudPopulation& p) { p.sources.weights[2] = 0; },
                 "/measures/weights measure 1 has only zero weights");
  expect_refused([](CloudPopulation& p) { p.sources.weights[0] = NAN; }, "measure 0 has a NaN");
  expect_refused([](CloudPopulation& p) { p.sources.points[5] = HUGE_VAL; },
                 "/measures/points measure 2 has the coordinate inf (at point 2)");
  expect_refused([](CloudPopulation& p) { p.sources.points.pop_back(); },
                 "/measures/points holds 5 values, not 6 points of 1 coordinates");
  expect_refused([](CloudPopulation& p) { p.ground_cost = kernels::PowerCost(0); },
                 "attribute power must be > 0, not 0");
  expect_refused([](CloudPopulation& p) { p.target[1] = 3; },
                 "/problems/target problem 1 refers to measure 3; there are 3");
  expect_refused([](CloudPopulation& p) { p.target.pop_back(); },
                 "/problems/source has 2 entries, /problems/target 1");
  expect_refused([](CloudPopulation& p) { p.sources.weights[2] = 2; },
                 "problem 0 pairs masses that differ", "solver.normalize = true");
  auto unequal = small();
  unequal.sources.weights[2] = 2;
  EXPECT_NO_THROW(unequal.validate("pop.h5", false));
  unequal.normalize();
  EXPECT_NO_THROW(unequal.validate("pop.h5"));
}

// Files as a user writes them with h5py -----------------------------------------------------------

class HandMadeClouds : public ::testing::Test {
 protected:
  template <class Change>
  void write(const Change& change) {
    auto file = Hdf5File::create(path_);
    file.create_group("/geometry");
    file.set_attribute("/geometry", "cost", std::string("squared_euclidean"));
    file.write<std::int32_t>("/measures/offsets", {3}, std::vector<std::int32_t>{0, 1, 3});
    file.write<float>("/measures/weights", {3}, std::vector<float>{2, 1, 1});
    file.write<std::int64_t>("/problems/source", {1}, Offsets{0});
    file.write<std::int64_t>("/problems/target", {1}, Offsets{1});
    change(file);
    file.close();
  }
  template <class... Parts>
  void expect_refused(const Parts&... parts) {
    expect_error([&] { read_cloud_population(path_); }, path_.string() + ": ", parts...);
  }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "pop.h5";
};

TEST_F(HandMadeClouds, OtherTypesWithoutAKindAreAccepted) {
  write([](Hdf5File& file) {
    file.write<std::int32_t>("/measures/points", {3, 1}, std::vector<std::int32_t>{0, 1, 2});
  });
  ASSERT_TRUE(holds_clouds(path_));
  const auto population = read_cloud_population(path_);
  EXPECT_EQ(population.sources.weights, (Values{2, 1, 1}));
  EXPECT_EQ(population.sources.points, (Values{0, 1, 2}));
  EXPECT_EQ(population.sources.offsets, (Offsets{0, 1, 3}));
  EXPECT_EQ(population.cost_name(), "squared_euclidean");
}

TEST_F(HandMadeClouds, MistakesAreNamed) {
  write([](Hdf5File&) {});
  expect_refused("/measures/points: no such dataset");
  write([](Hdf5File& file) { file.write<double>("/measures/points", {3}, Values{0, 1, 2}); });
  expect_refused("/measures/points: must have 2 dimensions, not shape [3]");
  write([](Hdf5File& file) { file.write<double>("/measures/points", {2, 1}, Values{0, 1}); });
  expect_refused("/measures/points has shape [2, 1], but there are 3 weights");
  write([](Hdf5File& file) {
    file.write<double>("/measures/points", {3, 1}, Values{0, 1, 2});
    file.write<std::int64_t>("/measures/source_offsets", {2}, Offsets{0, 3});
  });
  expect_refused("/measures holds both offsets and offsets of one side");
  // Populations on common points are no clouds, and the other way round.
  write([](Hdf5File& file) {
    file.write<double>("/measures/points", {3, 1}, Values{0, 1, 2});
    file.set_attribute("/geometry", "kind", std::string("clouds"));
  });
  expect_error([&] { read_population(path_); }, path_.string(),
               "every measure has points of its own; here all have to share theirs");
  std::filesystem::remove(path_);
  write_population(path_, testing::line_population(4, 2, 1, "euclidean"));
  EXPECT_FALSE(holds_clouds(path_));
  auto sides = cloud_population(3, 4, 1, false);
  write_cloud_population(path_, sides);
  {
    auto file = Hdf5File::create(path_);
    file.create_group("/geometry");
    for (const char* side : {"source", "target"}) {
      const auto prefix = std::string("/measures/") + side + "_";
      file.write<std::int64_t>(prefix + "offsets", {2}, Offsets{0, 1});
      file.write<double>(prefix + "weights", {1}, Values{1});
      const std::int64_t d = side[0] == 's' ? 1 : 2;
      file.write<double>(prefix + "points", {1, d}, Values(static_cast<std::size_t>(d)));
    }
    file.write<std::int64_t>("/problems/source", {1}, Offsets{0});
    file.write<std::int64_t>("/problems/target", {1}, Offsets{0});
    file.close();
  }
  expect_refused("source points have 1 coordinates, target points 2");
}

}  // namespace
}  // namespace otfleet
