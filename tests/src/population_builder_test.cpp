#include "src/populations/population_builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "src/populations/population.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;
using Values = std::vector<double>;

// ------------------------------------------------------------------------------

class Builder : public ::testing::Test {
 protected:
  Builder() {
    using testing::npy;
    using testing::npy_header;
    const auto write = [&](const char* name, const std::string& shape, const Values& values) {
      testing::write_bytes(folder_ / name,
                           npy(npy_header("<f8", shape), testing::bytes_of(values)));
      return ArraySource{folder_ / name, ""};
    };
    images_ = write("images.npy", "(3, 1, 2)", {1, 3, 0, 5, 2, 2});
    one_ = write("one.npy", "(1, 2)", {1, 1});
    points_ = write("points.npy", "(2, 2)", {0, 0, 3, 4});
    directions_ = write("directions.npy", "(2, 2)", {1, 0, 0.6, 0.8});
    cost_ = write("cost.npy", "(2, 2)", {0, 7, 7, 0});
    wide_cost_ = write("wide_cost.npy", "(1, 2)", {0, 7});
    flat_ = write("flat.npy", "(2,)", {1, 1});
    deep_ = write("deep.npy", "(1, 1, 1, 1, 2)", {1, 1});
    job_.make.train_problems = 200;
    job_.make.test_problems = 200;
    job_.data.train = job_.data.test = images_;
  }
  template <class... Parts>
  void expect_refused(const Parts&... parts) {
    expect_error([&] { build_population(job_, Split::train); }, parts...);
  }
  TemporaryFolder folder_;
  Job job_;
  ArraySource images_, one_, points_, directions_, cost_, wide_cost_, flat_, deep_;
};

TEST_F(Builder, NormalizesOnAGridOverTheUnitInterval) {
  const auto population = build_population(job_, Split::train);
  EXPECT_NO_THROW(population.validate("train"));
  EXPECT_EQ(population.source_weights, (Values{0.25, 0.75, 0, 1, 0.5, 0.5}));
  EXPECT_EQ(population.geometry.axes, (std::vector<Values>{{0}, {0, 1}}));
}

TEST_F(Builder, PixelsAreSquareUnlessStretched) {
  const auto axes_of = [&](const std::vector<std::int64_t>& grid, bool stretch) {
    Job job;
    job.make.source_weights = job.make.target_weights = WeightsKind::uniform;
    job.make.train_measures = job.make.train_problems = 1;
    job.make.grid = grid;
    job.make.stretch = stretch;
    return build_population(job, Split::train).geometry.axes;
  };
  EXPECT_EQ(axes_of({2, 5}, false), (std::vector<Values>{{0, 0.25}, {0, 0.25, 0.5, 0.75, 1}}));
  EXPECT_EQ(axes_of({3, 1, 2}, false), (std::vector<Values>{{0, 0.5, 1}, {0}, {0, 0.5}}));
  EXPECT_EQ(axes_of({2, 5}, true), (std::vector<Values>{{0, 1}, {0, 0.25, 0.5, 0.75, 1}}));
  for (const bool stretch : {false, true})
    EXPECT_EQ(axes_of({3, 3}, stretch), (std::vector<Values>{{0, 0.5, 1}, {0, 0.5, 1}}));
  EXPECT_EQ(axes_of({1}, false), (std::vector<Values>{{0}}));
}

TEST_F(Builder, ColorImagesAreNoGridUnlessTold) {
  const auto use = [&](const std::vector<std::int64_t>& shape) {
    std::string text = "(";
    std::size_t size = 1;
    for (const auto length : shape) {
      text += std::to_string(length) + ", ";
      size *= static_cast<std::size_t>(length);
    }
    testing::write_bytes(folder_ / "color.npy", testing::npy(testing::npy_header("<f8", text + ")"),
                                                             testing::bytes_of(Values(size, 1.0))));
    job_.data.train = ArraySource{folder_ / "color.npy", ""};
  };
  use({2, 6, 8, 3});
  expect_refused("color.npy: shape [2, 6, 8, 3] looks like color images", "make.grid = [6, 8, 3]");
  use({2, 4, 6, 8});  // channels first
  expect_refused("looks like color images", "make.grid = [4, 6, 8]");
  use({6, 8, 3});  // one image, which would be six of 8 x 3
  expect_refused("shape [6, 8, 3] looks like color images", "make.grid = [8, 3]");
  job_.make.grid = {8, 3};
  EXPECT_EQ(build_population(job_, Split::train).source_measures, 6);
  use({2, 6, 8, 3});
  job_.make.grid = {6, 8, 3};
  EXPECT_EQ(build_population(job_, Split::train).geometry.axes.size(), 3u);
  job_.make.grid = {};
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{
           {2, 6, 8, 1}, {2, 3, 3, 3}, {2, 8, 8, 8}, {2, 1, 6, 8}, {2, 6, 8}, {3, 6, 8}, {9, 3}}) {
    use(shape);
    EXPECT_NO_THROW(build_population(job_, Split::train)) << shape.back();
  }
}

TEST_F(Builder, PointsThatTheCostCannotTakeAreNamed) {
  const auto use = [&](const std::string& cost, const Values& points) {
    testing::write_bytes(folder_ / "vectors.npy", testing::npy(testing::npy_header("<f8", "(2, 2)"),
                                                               testing::bytes_of(points)));
    job_.data.points = {folder_ / "vectors.npy", ""};
    job_.data.train = one_;
    job_.problem.cost = kernels::find_ground_cost(cost);
  };
  for (const char* geometry : {"dense", "points"}) {
    job_.problem.geometry = *value_of<GeometryKind>(geometry);
    use("cosine", {1, 0, 0, 0});
    expect_refused("vectors.npy: row 1 is the zero vector", "'cosine'");
    use("great_circle", {2, 0, 1, 0});
    expect_refused("vectors.npy: row 0 has the length 2", "unit vectors");
    use("euclidean", {1, 0, NAN, 0});
    expect_refused("vectors.npy: holds nan in row 1, column ");
    use("euclidean", {0, 0, 0, 0});
    EXPECT_NO_THROW(build_population(job_, Split::train));
  }
}

TEST_F(Builder, PairsAreTwoMeasuresDrawnFromTheSeed) {
  job_.make.repeat_pairs = true;
  const auto train = build_population(job_, Split::train);
  std::vector<int> counts(9);
  for (std::size_t p = 0; p < 200; ++p) ++counts[train.source[p] * 3 + train.target[p]];
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      EXPECT_EQ(counts[i * 3 + j] > 10, i != j) << counts[i * 3 + j];
    }
  }
  EXPECT_EQ(build_population(job_, Split::train).source, train.source);
  EXPECT_NE(build_population(job_, Split::test).source, train.source);
  job_.make.train_problems = 50;  // the first 50 of the same
  EXPECT_TRUE(std::equal(train.target.begin(), train.target.begin() + 50,
                         build_population(job_, Split::train).target.begin()));
  job_.seed = 1;
  EXPECT_NE(build_population(job_, Split::test).source, train.source);
  job_.data.train = one_;
  EXPECT_EQ(build_population(job_, Split::train).target, std::vector<std::int32_t>(50, 0));
}

TEST_F(Builder, DenseCosts) {
  job_.problem.geometry = GeometryKind::dense;
  expect_refused("data.points is missing");
  job_.data.points = points_;
  EXPECT_EQ(build_population(job_, Split::train).geometry.cost, (Values{0, 25, 25, 0}));
  job_.data.cost = cost_;
  expect_refused("data.cost is given, but problem.cost = 'squared_euclidean'");
  job_.problem.cost.reset();
  EXPECT_EQ(build_population(job_, Split::train).geometry.cost, (Values{0, 7, 7, 0}));
  job_.data.points = {};
  EXPECT_NO_THROW(build_population(job_, Split::train).validate("train"));
  job_.data.cost = wide_cost_;
  expect_refused("images.npy: measures on 2 points, but", "wide_cost.npy has 1 on the source side");
  job_.data.cost = {};
  expect_refused("data.cost is missing");
}

TEST_F(Builder, SidesOfTheirOwn) {
  job_.data.train_target = one_;
  expect_refused("one.npy: measures on a grid [2], but", "images.npy has [1, 2]");
  job_.problem.geometry = GeometryKind::dense;
  job_.data.points = points_;
  const auto population = build_population(job_, Split::train);
  EXPECT_FALSE(population.shared_measures);
  EXPECT_EQ(population.target_measures, 1);
  EXPECT_NO_THROW(population.validate("train"));
}

TEST_F(Builder, NegativeWeightsMayBePoints) {
  testing::write_bytes(
      folder_ / "around.npy",
      testing::npy(testing::npy_header("<f8", "(2, 2)"), testing::bytes_of(Values{1, -2, 0, 3})));
  job_.data.train = ArraySource{folder_ / "around.npy", ""};
  expect_refused("around.npy row 0 has a negative weight (-2 at point 1)",
                 "where these are points, set problem.geometry = 'clouds'");
}

TEST_F(Builder, WrongShapes) {
  job_.data.train = deep_;
  expect_refused("deep.npy: must have shape [n], [M, n]", "not [1, 1, 1, 1, 2]");
  job_.data.train = images_;
  job_.data.cost = cost_;
  expect_refused("cost.npy: data.cost, data.points and data.target_points need");
}

TEST_F(Builder, RandomWeightsNeedNoData) {
  job_.data = {};
  job_.data.points = points_;
  job_.problem.geometry = GeometryKind::dense;
  job_.problem.cost = kernels::find_ground_cost("euclidean");
  job_.make.source_weights = WeightsKind::sparse_uniform;
  job_.make.target_weights = WeightsKind::uniform;
  job_.make.train_measures = 50;
  job_.make.test_measures = 20;
  const auto train = build_population(job_, Split::train);
  const auto test = build_population(job_, Split::test);
  EXPECT_NO_THROW(train.validate("train"));
  EXPECT_EQ(train.geometry.cost, (Values{0, 5, 5, 0}));
  EXPECT_EQ(train.source_measures, 50);
  EXPECT_EQ(test.target_measures, 20);
  EXPECT_FALSE(train.shared_measures);
  const auto zeros = std::count(train.source_weights.begin(), train.source_weights.end(), 0.0);
  EXPECT_GT(zeros, 10);
  EXPECT_LT(zeros, 60);
  EXPECT_EQ(std::count(train.target_weights.begin(), train.target_weights.end(), 0.0), 0);
  EXPECT_FALSE(std::equal(test.source_weights.begin(), test.source_weights.end(),
                          train.source_weights.begin()));
  EXPECT_EQ(build_population(job_, Split::train).source_weights, train.source_weights);
}

TEST_F(Builder, RandomWeightsOnAGridNeedItsLengths) {
  job_.data = {};
  job_.make.source_weights = WeightsKind::uniform;
  expect_refused("make.grid is missing");
  job_.make.grid = {3, 4};
  const auto population = build_population(job_, Split::train);
  EXPECT_EQ(population.geometry.n, 12);
  EXPECT_TRUE(population.shared_measures);
  EXPECT_NO_THROW(population.validate("train"));
}

TEST_F(Builder, RandomWeightsRefuseData) {
  job_.make.source_weights = WeightsKind::uniform;
  expect_refused("images.npy", "make.source_weights = 'uniform' takes no data");
}

TEST_F(Builder, PointsKeepNoMatrix) {
  job_.data.train = job_.data.test = one_;
  job_.data.points = points_;
  job_.problem.geometry = GeometryKind::points;
  job_.problem.cost = kernels::find_ground_cost("power");
  job_.problem.cost_parameters["power"] = 1.5;
  const auto population = build_population(job_, Split::train);
  EXPECT_NO_THROW(population.validate("points"));
  EXPECT_TRUE(population.geometry.cost.empty());
  EXPECT_EQ(population.geometry.source_points, (Values{0, 0, 3, 4}));
  const auto file = folder_ / "points.h5";
  write_population(file, population);
  const auto again = read_population(file);
  EXPECT_EQ(again.geometry.ground_cost, kernels::GroundCost(kernels::PowerCost(1.5)));
  EXPECT_EQ(again.geometry.cost_name(), "power");
  EXPECT_EQ(again.geometry.fingerprint(), population.geometry.fingerprint());
  job_.problem.cost.reset();
  job_.data.cost = cost_;
  expect_refused("needs problem.geometry = 'dense'");
}

TEST_F(Builder, TheDivisorOfAGreatCircleIsKept) {
  job_.data.train = job_.data.test = one_;
  job_.data.points = directions_;
  job_.problem.cost = kernels::find_ground_cost("great_circle");
  for (const char* geometry : {"points", "dense"})
    for (const double divisor : {1.0, 1.0001}) {
      job_.problem.geometry = *value_of<GeometryKind>(geometry);
      job_.problem.cost_parameters["great_circle_divisor"] = divisor;
      const auto population = build_population(job_, Split::train);
      write_population(folder_ / "sphere.h5", population);
      const auto again = read_population(folder_ / "sphere.h5");
      EXPECT_EQ(again.geometry.ground_cost, kernels::GroundCost(kernels::GreatCircleCost(divisor)));
      EXPECT_EQ(again.geometry.fingerprint(), population.geometry.fingerprint());
      if (again.geometry.cost.empty()) continue;
      EXPECT_NEAR(again.geometry.cost[0], std::acos(1 / divisor), 1e-13);
      EXPECT_NEAR(again.geometry.cost[1], std::acos(0.6 / divisor), 1e-13);
    }
}

TEST_F(Builder, OneMeasureAloneAndGridsInRows) {
  job_.data.train = flat_;
  auto population = build_population(job_, Split::train);
  EXPECT_EQ(population.source_measures, 1);
  EXPECT_EQ(population.geometry.axes, (std::vector<Values>{{0, 1}}));
  job_.data.train = points_;  // [2, 2]: two measures of two points, or one image
  expect_refused("points.npy row 0 has only zero weights");
  job_.make.grid = {2, 2};
  population = build_population(job_, Split::train);
  EXPECT_EQ(population.source_measures, 1);
  EXPECT_EQ(population.geometry.axes.size(), 2u);
  EXPECT_EQ(population.source_weights[3], 4.0 / 7);
  job_.data.train = images_;  // [3, 1, 2]
  job_.make.grid = {3, 1, 2};
  EXPECT_EQ(build_population(job_, Split::train).source_measures, 1);
  job_.make.grid = {1, 2};
  EXPECT_EQ(build_population(job_, Split::train).source_measures, 3);
  job_.data.train = one_;  // [1, 2]: rows of two weights
  job_.make.grid = {2, 1};
  population = build_population(job_, Split::train);
  EXPECT_EQ(population.geometry.axes, (std::vector<Values>{{0, 1}, {0}}));
}

TEST_F(Builder, CostMatricesMayForbidEntries) {
  testing::write_bytes(folder_ / "forbids.npy",
                       testing::npy(testing::npy_header("<f8", "(2, 2)"),
                                    testing::bytes_of(Values{0, INFINITY, 1, 0})));
  job_.data.train = one_;
  job_.data.cost = ArraySource{folder_ / "forbids.npy", ""};
  job_.problem.geometry = GeometryKind::dense;
  job_.problem.cost.reset();
  EXPECT_EQ(build_population(job_, Split::train).geometry.cost[1], INFINITY);
  testing::write_bytes(folder_ / "forbids.npy",
                       testing::npy(testing::npy_header("<f8", "(2, 2)"),
                                    testing::bytes_of(Values{0, -INFINITY, 1, 0})));
  expect_refused("forbids.npy: holds -inf in row 0, column ");
}

TEST_F(Builder, WeightsGroupsAndContextsAreOfClouds) {
  job_.data.train.weights = flat_;
  expect_refused("flat.npy: weights and groups of data are for points");
  job_.data.train.weights = {};
  job_.data.train.contexts = flat_;
  expect_refused("flat.npy: contexts are for points of every measure's own",
                 "problem.geometry = 'clouds'");
}

}  // namespace
}  // namespace otfleet
