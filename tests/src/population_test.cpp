#include "src/populations/population.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "distributed/hdf5_file.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::expect_error;
using testing::TemporaryFolder;
using Values = std::vector<double>;

/// Three measures on a 2 x 3 grid, two problems.
Population grid_population() {
  Population population;
  population.geometry.axes = {{0, 1}, {0, 0.5, 1}};
  population.geometry.n = population.geometry.m = 6;
  population.source_measures = 3;
  population.source_weights = {0.5, 0.5, 0, 0, 0,    0,  //
                               0,   0,   1, 0, 0,    0,  //
                               0,   0,   0, 0, 0.25, 0.75};
  population.source = {0, 2};
  population.target = {1, 0};
  return population;
}

/// Two source measures on 2 points, one target measure on 3, costs from points on a line.
Population dense_population() {
  Population population;
  auto& geometry = population.geometry;
  geometry.kind = Geometry::Kind::dense;
  geometry.n = 2;
  geometry.m = 3;
  geometry.dimension = 1;
  geometry.source_points = {0, 1};
  geometry.target_points = {0, 1, 3};
  geometry.cost = {0, 1, 9, 1, 0, 4};
  population.shared_measures = false;
  population.source_measures = 2;
  population.source_weights = {1, 0, 0.5, 0.5};
  population.target_measures = 1;
  population.target_weights = {0.25, 0.25, 0.5};
  population.source = {0, 1};
  population.target = {0, 0};
  return population;
}

void expect_equal(const Population& a, const Population& b) {
  EXPECT_EQ(a.geometry.kind, b.geometry.kind);
  EXPECT_EQ(a.geometry.axes, b.geometry.axes);
  EXPECT_EQ(a.geometry.cost, b.geometry.cost);
  EXPECT_EQ(a.geometry.source_points, b.geometry.source_points);
  EXPECT_EQ(a.geometry.target_points, b.geometry.target_points);
  EXPECT_EQ(a.geometry.dimension, b.geometry.dimension);
  EXPECT_EQ(a.geometry.n, b.geometry.n);
  EXPECT_EQ(a.geometry.m, b.geometry.m);
  EXPECT_EQ(a.shared_measures, b.shared_measures);
  EXPECT_EQ(a.source_measures, b.source_measures);
  EXPECT_EQ(a.target_measures, b.target_measures);
  EXPECT_EQ(a.source_weights, b.source_weights);
  EXPECT_EQ(a.target_weights, b.target_weights);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.target, b.target);
  EXPECT_EQ(a.geometry.fingerprint(), b.geometry.fingerprint());
}

TEST(Geometry, PointsRunOverTheLastAxisFirst) {
  const auto grid = grid_population().geometry;
  EXPECT_EQ(grid.points(true), (Values{0, 0, 0, 0.5, 0, 1, 1, 0, 1, 0.5, 1, 1}));
  EXPECT_EQ(grid.points(true), grid.points(false));
  EXPECT_EQ(dense_population().geometry.points(false), (Values{0, 1, 3}));
}

TEST(Geometry, FingerprintDependsOnTheCostAlone) {
  auto grid = grid_population().geometry;
  const auto first = grid.fingerprint();
  EXPECT_EQ(first.size(), 16u);
  grid.axes[1][1] = 0.6;
  EXPECT_NE(grid.fingerprint(), first);
  auto dense = dense_population().geometry;
  const auto second = dense.fingerprint();
  dense.source_points.clear();
  dense.ground_cost.reset();
  EXPECT_EQ(dense.fingerprint(), second);
  dense.cost[0] = -0.0;
  EXPECT_EQ(dense.fingerprint(), second);
  std::swap(dense.n, dense.m);
  EXPECT_NE(dense.fingerprint(), second);
}

TEST(PopulationFile, RoundTrip) {
  const TemporaryFolder folder;
  auto matrix = dense_population();
  matrix.geometry.ground_cost.reset();
  matrix.geometry.source_points = matrix.geometry.target_points = {};
  matrix.geometry.dimension = 0;
  auto no_problems = grid_population();
  no_problems.source.clear();
  no_problems.target.clear();
  for (const auto& population : {grid_population(), dense_population(), matrix, no_problems}) {
    write_population(folder / "pop.h5", population);
    expect_equal(read_population(folder / "pop.h5"), population);
  }
  // Nothing but the file itself is left.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

/// What `change` does to a good population must be refused, in memory and in a file alike.
template <class Change, class... Parts>
void expect_refused(Population population, Change change, const Parts&... parts) {
  change(population);
  expect_error([&] { population.validate("pop.h5"); }, "pop.h5: ", parts...);
}

TEST(PopulationValidation, Weights) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto weight = [](std::size_t at, double value) {
    return [=](Population& p) { p.source_weights[at] = value; };
  };
  expect_refused(grid_population(), weight(9, -0.2),
                 "/measures/weights row 1 has a negative weight (-0.2 at point 3)");
  expect_refused(grid_population(), weight(17, NAN), "row 2 has a NaN (nan at point 5)");
  expect_refused(grid_population(), weight(0, infinity),
                 "row 0 has an infinite weight (inf at point 0)");
  expect_refused(grid_population(), weight(8, 0), "/measures/weights row 1 has only zero weights");
  expect_refused(
      grid_population(), [](Population& p) { p.source_weights.pop_back(); },
      "holds 17 values, not 3 measures of 6 points");
  expect_refused(
      grid_population(), [](Population& p) { p.source_measures = 0; },
      "/measures/weights holds no measures");
  expect_refused(
      grid_population(), [](Population& p) { p.source_weights[0] = p.source_weights[1] = 1.7e308; },
      "infinite mass");
  expect_refused(dense_population(), weight(3, -1),
                 "/measures/source_weights row 1 has a negative");
  expect_refused(
      dense_population(), [](Population& p) { p.target_weights[2] = NAN; },
      "/measures/target_weights row 0 has a NaN");
}

TEST(PopulationValidation, Problems) {
  expect_refused(
      grid_population(), [](Population& p) { p.source[1] = 3; },
      "/problems/source problem 1 refers to measure 3; there are 3");
  expect_refused(
      grid_population(), [](Population& p) { p.target[0] = -1; },
      "/problems/target problem 0 refers to measure -1");
  expect_refused(
      dense_population(), [](Population& p) { p.target[1] = 1; },
      "/problems/target problem 1 refers to measure 1; there are 1");
  expect_refused(
      grid_population(), [](Population& p) { p.target.pop_back(); },
      "/problems/source has 2 entries, /problems/target 1");
  expect_refused(
      grid_population(), [](Population& p) { p.source_weights[0] = 0.501; },
      "problem 0 pairs masses that differ");
  auto different = grid_population();
  different.source_weights[0] = 0.501;
  EXPECT_NO_THROW(different.validate("pop.h5", false));
  different.source_weights[0] = -1;
  EXPECT_THROW(different.validate("pop.h5", false), UserError);
  auto nearly = grid_population();
  nearly.source_weights[0] += 1e-6;
  EXPECT_NO_THROW(nearly.validate("pop.h5"));
}

TEST(PopulationValidation, Geometry) {
  expect_refused(
      grid_population(), [](Population& p) { p.geometry.axes.clear(); },
      "a grid has 1 to 3 axes, not 0");
  expect_refused(
      grid_population(), [](Population& p) { p.geometry.axes[0].push_back(2); },
      "the axes [3, 3] make 9 points");
  expect_refused(
      grid_population(), [](Population& p) { p.geometry.axes[1][2] = NAN; },
      "/geometry/axis_1 holds nan at position 2");
  expect_refused(
      grid_population(), [](Population& p) { p.geometry.axes[1].clear(); },
      "/geometry/axis_1 is empty");
  expect_refused(
      dense_population(), [](Population& p) { p.geometry.cost[4] = HUGE_VAL; },
      "/geometry/cost holds inf at position 4");
  expect_refused(
      dense_population(), [](Population& p) { p.geometry.cost.pop_back(); },
      "/geometry/cost must have shape [2, 3]");
  expect_refused(
      dense_population(), [](Population& p) { p.geometry.cost[2] = 3; },
      "/geometry/cost is 3 at (0, 2), but the squared_euclidean cost of the points is 9");
  expect_refused(
      dense_population(), [](Population& p) { p.geometry.source_points.pop_back(); },
      "must have shapes [2, d] and [3, d]");
  expect_refused(
      dense_population(), [](Population& p) { p.shared_measures = true; },
      "the two sides need measures of their own");
}

// Files as a user writes them with h5py -----------------------------------------------------------

void set_variable_length_attribute(const std::filesystem::path& path, const char* object,
                                   const char* name, const char* value) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t owner = H5Oopen(file, object, H5P_DEFAULT);
  const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, H5T_VARIABLE);
  if (H5Aexists(owner, name) > 0) H5Adelete(owner, name);
  const hid_t attribute = H5Acreate2(owner, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, &value);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  H5Oclose(owner);
  H5Fclose(file);
}

class HandMade : public ::testing::Test {
 protected:
  /// Counts as integers, indices as int64, no attributes at all.
  void write_plain() {
    auto file = Hdf5File::create(path_);
    file.write<std::int32_t>("/measures/weights", {2, 3},
                             std::vector<std::int32_t>{1, 2, 1, 0, 0, 4});
    file.write<std::int64_t>("/problems/source", {1}, std::vector<std::int64_t>{0});
    file.write<std::int64_t>("/problems/target", {1}, std::vector<std::int64_t>{1});
    file.write<float>("/geometry/axis_0", {3}, std::vector<float>{0, 0.5, 1});
    file.close();
  }
  template <class... Parts>
  void expect_refused(const Parts&... parts) {
    expect_error([&] { read_population(path_); }, path_.string() + ": ", parts...);
  }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "pop.h5";
};

TEST_F(HandMade, CountsWithoutAttributesAreAccepted) {
  write_plain();
  const auto population = read_population(path_);
  EXPECT_EQ(population.source_weights, (Values{1, 2, 1, 0, 0, 4}));
  EXPECT_EQ(population.geometry.kind, Geometry::Kind::grid);
  EXPECT_EQ(population.geometry.axes, (std::vector<Values>{{0, 0.5, 1}}));
  EXPECT_EQ(population.target, std::vector<std::int32_t>{1});
}

TEST_F(HandMade, VariableLengthStringsAreAccepted) {
  write_population(path_, dense_population());
  set_variable_length_attribute(path_, "/", "otfleet_kind", "population");
  set_variable_length_attribute(path_, "/geometry", "kind", "dense");
  set_variable_length_attribute(path_, "/geometry", "cost", "squared_euclidean");
  expect_equal(read_population(path_), dense_population());
  set_variable_length_attribute(path_, "/geometry", "kind", "sphere");
  expect_refused("attribute kind must be one of 'grid', 'dense', 'points', 'clouds', not 'sphere'");
  set_variable_length_attribute(path_, "/", "otfleet_kind", "solution");
  expect_refused("is a solution file, not a population");
}

TEST_F(HandMade, MistakesAreNamed) {
  const auto write = [&](const auto& change) {
    auto file = Hdf5File::create(path_);
    change(file);
    file.close();
  };
  const auto add_grid = [](Hdf5File& file) {
    file.write<double>("/geometry/axis_0", {2}, Values{0, 1});
  };
  const auto add_problems = [](Hdf5File& file) {
    file.write<std::int32_t>("/problems/source", {1}, std::vector<std::int32_t>{0});
    file.write<std::int32_t>("/problems/target", {1}, std::vector<std::int32_t>{0});
  };
  const auto add_weights = [](Hdf5File& file) {
    file.write<double>("/measures/weights", {1, 2}, Values{1, 1});
  };

  write([&](Hdf5File& file) { add_weights(file); });
  expect_refused("there is no group /problems");
  write([&](Hdf5File& file) {
    add_weights(file), add_grid(file), add_problems(file);
    file.set_attribute("/", "otfleet_version", 2.0);
  });
  expect_refused("has format version 2; this otfleet reads up to 1");
  write([&](Hdf5File& file) {
    add_weights(file), add_grid(file), add_problems(file);
    file.write<double>("/measures/source_weights", {1, 2}, Values{1, 1});
  });
  expect_refused("/measures holds both weights and weights of one side");
  write([&](Hdf5File& file) {
    add_grid(file), add_problems(file);
    file.write<double>("/measures/source_weights", {1, 2}, Values{1, 1});
  });
  expect_refused("/measures must hold weights, or source_weights and target_weights");
  write([&](Hdf5File& file) {
    add_grid(file), add_problems(file);
    file.write<double>("/measures/weights", {2}, Values{1, 1});
  });
  expect_refused("/measures/weights: must have 2 dimensions, not shape [2]");
  write([&](Hdf5File& file) {
    add_weights(file), add_grid(file);
    file.write<double>("/problems/source", {1}, Values{0});
    file.write<double>("/problems/target", {1}, Values{0});
  });
  expect_refused("/problems/source: must hold integers");
  write([&](Hdf5File& file) {
    add_weights(file), add_grid(file);
    file.write<std::int64_t>("/problems/source", {1}, std::vector<std::int64_t>{1LL << 40});
    file.write<std::int64_t>("/problems/target", {1}, std::vector<std::int64_t>{0});
  });
  expect_refused("/problems/source problem 0 refers to measure 1099511627776");
  write([&](Hdf5File& file) {
    add_weights(file), add_grid(file);
    file.write<std::int32_t>("/problems/source", {1}, std::vector<std::int32_t>{0});
  });
  expect_refused("/problems/target: no such dataset");
  write([&](Hdf5File& file) {
    add_weights(file), add_problems(file);
    file.create_group("/geometry");
  });
  expect_refused("/geometry must hold axis_0 (a grid), cost (a dense cost) or source_points");
  write([&](Hdf5File& file) {
    add_weights(file), add_problems(file);
    file.write<double>("/geometry/cost", {1, 2}, Values{0, 1});
  });
  expect_refused("/geometry/cost has shape [1, 2], but the measures have 2 and 2 points");
  write([&](Hdf5File& file) {
    add_weights(file), add_problems(file);
    file.write<double>("/geometry/cost", {2, 2}, Values{0, 1, 1, 0});
    file.write<double>("/geometry/source_points", {2, 1}, Values{0, 1});
  });
  expect_refused("needs both source_points and target_points");
}

TEST(PopulationMasses, UnequalOnesNameTheRemedies) {
  auto population = grid_population();
  for (std::size_t i = 0; i < 6; ++i) population.source_weights[i] *= 3;
  expect_error([&] { population.validate("pop.h5"); },
               "pop.h5: problem 0 pairs masses that differ: 3 (source 0) and 1 (target 1)",
               "solver.normalize = true", "problem.tau_a", "problem.transported_share");
  population.normalize();
  EXPECT_NO_THROW(population.validate("pop.h5"));
  EXPECT_EQ(population.source_weights, grid_population().source_weights);
}

TEST_F(HandMade, ForeignAndTruncatedFiles) {
  expect_refused("");  // missing
  testing::write_bytes(path_, "not HDF5");
  expect_refused("");
  std::filesystem::remove(path_);
  write_population(path_, grid_population());
  const auto bytes = testing::read_bytes(path_);
  for (std::size_t size = 0; size < bytes.size(); size += bytes.size() / 16) {
    testing::write_bytes(path_, bytes.substr(0, size));
    expect_refused("");
  }
}

}  // namespace
}  // namespace otfleet
