#include "src/populations/cloud_builder.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "src/populations/any_population.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_anndata.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using Values = std::vector<double>;
using Offsets = std::vector<std::int64_t>;

class CloudBuilder : public ::testing::Test {
 protected:
  CloudBuilder() { job_.problem.geometry = GeometryKind::clouds; }

  ArraySource write(const std::string& name, const std::string& shape, const Values& values) {
    testing::write_bytes(
        folder_ / name, testing::npy(testing::npy_header("<f8", shape), testing::bytes_of(values)));
    return {folder_ / name, ""};
  }
  CloudPopulation build() {
    auto population = std::get<CloudPopulation>(build_any_population(job_, Split::test, &remark_));
    population.validate("clouds");
    return population;
  }
  template <class... Parts>
  void expect_refused(const Parts&... parts) {
    testing::expect_error([&] { build(); }, parts...);
  }
  testing::TemporaryFolder folder_;
  Job job_;
  std::string remark_;
};

TEST_F(CloudBuilder, OneAgainstOneWithEqualWeights) {
  job_.data.test = write("a.npy", "(2, 3)", {0, 1, 2, 3, 4, 5});
  job_.data.test_target = write("b.npy", "(4, 3)", Values(12, 1.0));
  job_.make.pairs.kind = PairKind::one_to_one;
  const auto population = build();
  EXPECT_EQ(population.dimension, 3);
  EXPECT_EQ(population.sources.points, (Values{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(population.sources.weights, (Values{0.5, 0.5}));
  EXPECT_EQ(population.targets.weights, Values(4, 0.25));
  EXPECT_EQ(population.targets.offsets, (Offsets{0, 4}));
  EXPECT_EQ(population.source, std::vector<std::int32_t>{0});
  EXPECT_EQ(summary_of(population),
            "1 problem over 2 measures; points of a measure: 2 at least, 2 in the median, 2 at "
            "most, of a target: 4 at least, 4 in the median, 4 at most");
}

TEST_F(CloudBuilder, ManyMeasuresAndTheirWeights) {
  job_.data.test = write("many.npy", "(3, 2, 1)", {0, 1, 2, 3, 4, 5});
  job_.data.test.weights = write("w.npy", "(2,)", {1, 3});
  job_.make.pairs.kind = PairKind::all_pairs;
  auto population = build();
  EXPECT_TRUE(population.shared_measures);
  EXPECT_EQ(population.sources.offsets, (Offsets{0, 2, 4, 6}));
  EXPECT_EQ(population.sources.weights, (Values{0.25, 0.75, 0.25, 0.75, 0.25, 0.75}));
  EXPECT_EQ(population.target, (std::vector<std::int32_t>{1, 2, 2}));
  job_.data.test.weights = write("w.npy", "(3, 2)", {1, 3, 1, 1, 3, 1});
  EXPECT_EQ(build().sources.weights, (Values{0.25, 0.75, 0.5, 0.5, 0.75, 0.25}));
}

TEST_F(CloudBuilder, GroupsOfPoints) {
  job_.data.test = write("cells.npy", "(5, 2)", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  job_.data.test.groups = write("groups.npy", "(5,)", {7, 0, -1, 7, 0});
  job_.data.test.weights = write("w.npy", "(5,)", {1, 2, 5, 3, 2});
  job_.make.pairs.kind = PairKind::all_pairs;
  const auto population = build();
  EXPECT_EQ(population.sources.offsets, (Offsets{0, 2, 4}));
  EXPECT_EQ(population.sources.points, (Values{2, 3, 8, 9, 0, 1, 6, 7}));
  EXPECT_EQ(population.sources.weights, (Values{0.5, 0.5, 0.25, 0.75}));
  job_.data.test.groups = write("groups.npy", "(4,)", {0, 0, 1, 1});
  expect_refused("groups.npy: groups have shape [4], but", "cells.npy has 5 points");
  job_.data.test.groups = write("groups.npy", "(5,)", {0, 0, 1.5, 1, 0});
  expect_refused("point 2 is in group 1.5; groups are integers");
  job_.data.test.groups = write("groups.npy", "(5,)", Values(5, -1.0));
  expect_refused("every point is in a negative group");
}

TEST_F(CloudBuilder, ContextsAreThoseOfTargets) {
  job_.data.test = write("many.npy", "(3, 2, 1)", {0, 1, 2, 3, 4, 5});
  job_.data.test.contexts = write("contexts.npy", "(3, 2)", {0, 0, 1, 10, 2, 20});
  job_.make.pairs.kind = PairKind::one_to_all;
  job_.make.pairs.one = 1;
  auto population = build();
  EXPECT_EQ(population.source, (std::vector<std::int32_t>{1, 1}));
  EXPECT_EQ(population.target, (std::vector<std::int32_t>{0, 2}));
  EXPECT_EQ(population.contexts.width, 2);
  EXPECT_EQ(population.contexts.values, (Values{0, 0, 2, 20}));
  job_.data.test.contexts = write("contexts.npy", "(3,)", {5, 6, 7});
  population = build();
  EXPECT_EQ(population.contexts.width, 1);
  EXPECT_EQ(population.contexts.values, (Values{5, 7}));
}

TEST_F(CloudBuilder, ContextsOfBothSides) {
  job_.data.test = write("a.npy", "(2, 1, 1)", {0, 1});
  job_.data.test_target = write("b.npy", "(3, 1, 1)", {2, 3, 4});
  const auto of_sources = write("a_contexts.npy", "(2, 1)", {7, 8});
  const auto of_targets = write("b_contexts.npy", "(3, 2)", {0, 1, 2, 3, 4, 5});
  job_.make.pairs.kind = PairKind::one_to_all;
  job_.make.pairs.one = 1;
  EXPECT_EQ(build().contexts.width, 0);
  job_.data.test_target.contexts = of_targets;
  EXPECT_EQ(build().contexts.values, (Values{0, 1, 2, 3, 4, 5}));
  job_.data.test.contexts = of_sources;
  EXPECT_EQ(build().contexts.width, 3);
  EXPECT_EQ(build().contexts.values, (Values{8, 0, 1, 8, 2, 3, 8, 4, 5}));
  job_.data.test_target.contexts = {};
  EXPECT_EQ(build().contexts.values, (Values{8, 8, 8}));
}

TEST_F(CloudBuilder, ContextsThatCannotBeMeant) {
  job_.data.test = write("many.npy", "(3, 2, 1)", {0, 1, 2, 3, 4, 5});
  job_.data.test.contexts = write("contexts.npy", "(2, 2)", {0, 0, 1, 10});
  expect_refused("contexts.npy: contexts have shape [2, 2], but", "many.npy has 3 measures",
                 "[3, C] was expected, a row for each");
  job_.data.test.contexts = write("contexts.npy", "(3, 1, 1)", {0, 0, 1});
  expect_refused("contexts.npy: contexts have shape [3, 1, 1]");
  job_.data.test.contexts = write("contexts.npy", "(3, 0)", {});
  expect_refused("contexts.npy: contexts have shape [3, 0]");
  job_.data.test.contexts = write("contexts.npy", "(3, 2)", {0, 0, 1, 1, NAN, 1});
  expect_refused("contexts.npy: row 2 of the contexts holds nan; contexts are finite");
  job_.data.test.contexts = {};
  job_.data.test_target.contexts = write("contexts.npy", "(3,)", {0, 0, 1});
  expect_refused("contexts.npy: data.test_target.contexts is given, but not data.test_target");
}

/// As users have them: cells, the condition of each, and what a condition is.
TEST_F(CloudBuilder, CellsOfAnnData) {
  const auto write_cells = [&](const std::string& name, const std::vector<std::string>& genes) {
    testing::write_anndata(folder_ / name, {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
                                            {2, 0, 1, 0, -1, 2},
                                            {"control", "drug 1", "drug 2"},
                                            genes});
    return ArraySource{folder_ / name, "X"};
  };
  job_.data.test = write_cells("cells.h5ad", {"ACTB", "TP53"});
  job_.data.test.groups = {folder_ / "cells.h5ad", "obs/condition"};
  job_.data.test.contexts = write("contexts.npy", "(3, 2)", {0, 0, 0.5, 0, 0, 0.25});
  job_.make.pairs.kind = PairKind::one_to_all;
  const auto population = build();
  EXPECT_EQ(population.sources.offsets, (Offsets{0, 2, 3, 5}));
  EXPECT_EQ(population.sources.points, (Values{2, 3, 6, 7, 4, 5, 0, 1, 10, 11}));
  EXPECT_EQ(population.source, (std::vector<std::int32_t>{0, 0}));
  EXPECT_EQ(population.contexts.values, (Values{0.5, 0, 0, 0.25}));
  job_.data.test.contexts = write("contexts.npy", "(2, 2)", {0, 0, 0.5, 0});
  expect_refused("cells.h5ad: X has 3 measures: [3, C] was expected",
                 "a row for each group that has points, in ascending order");
  job_.data.test.groups.dataset = "obs/note";
  expect_refused("cells.h5ad: /obs/note holds strings");
  job_.data.train = write_cells("earlier.h5ad", {"ACTB", "MYC"});
  expect_refused("cells.h5ad: /var/_index lacks 'MYC', column 1 of", "earlier.h5ad");
}

TEST_F(CloudBuilder, WeightsOnSharedPointsLeaveOutWhatHasNone) {
  job_.data.test = write("bags.npy", "(3, 4)", {0, 1, 0, 3, 2, 0, 0, 0, 1, 1, 1, 1});
  job_.data.points = write("words.npy", "(4, 2)", {0, 1, 2, 3, 4, 5, 6, 7});
  job_.make.pairs.kind = PairKind::all_pairs;
  const auto population = build();
  EXPECT_EQ(population.sources.offsets, (Offsets{0, 2, 3, 7}));
  EXPECT_EQ(population.sources.weights, (Values{0.25, 0.75, 1, 0.25, 0.25, 0.25, 0.25}));
  EXPECT_EQ(population.sources.points, (Values{2, 3, 6, 7, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7}));
  job_.data.test = write("bags.npy", "(2, 3)", Values(6, 1.0));
  expect_refused("bags.npy: weights have shape [2, 3], but", "words.npy has 4 points");
  job_.data.test = write("bags.npy", "(2, 4)", {1, 1, 1, 1, 0, 0, 0, 0});
  expect_refused("bags.npy row 1 has only zero weights");
  job_.data.test.weights = job_.data.test;
  expect_refused("with data.points the data are the weights");
}

TEST_F(CloudBuilder, AnArrayOfOneDimensionIsPointsOnALine) {
  job_.data.test = write("line.npy", "(3,)", {0, 1, 2});
  EXPECT_EQ(build().dimension, 1);
}

TEST_F(CloudBuilder, WhatCannotBeMeant) {
  job_.data.test = write("a.npy", "(2, 3)", Values(6, 1.0));
  job_.data.test_target = write("b.npy", "(3, 2)", Values(6, 1.0));
  expect_refused("b.npy: points of 2 coordinates, but the source's have 3", "transposed");
  job_.data.test_target = write("b.npy", "(1, 3)", {1, NAN, 1});
  expect_refused("b.npy: point 0 has the coordinate nan");
  job_.data.test_target = write("b.npy", "(0, 3)", {});
  expect_refused("b.npy: shape [0, 3] holds no points");
  job_.data.test_target = {};
  job_.data.test.weights = write("w.npy", "(3,)", {1, 1, 1});
  expect_refused("w.npy: weights have shape [3], but", "a.npy has 1 measure of 2 points",
                 "[2] was expected");
  job_.data.test.weights = write("w.npy", "(2,)", {1, -1});
  expect_refused("w.npy: weights of measure 0 has a negative weight (-1 at point 1)");
  job_.data.test.weights = {};
  job_.problem.cost = kernels::find_ground_cost("great_circle");
  expect_refused("a.npy: point 0 has the length", "unit vectors");
  job_.problem.cost.reset();
  expect_refused("problem.cost = 'matrix' needs problem.geometry = 'dense'");
  job_.problem.cost = kernels::find_ground_cost("euclidean");
  job_.data.cost = job_.data.test;
  expect_refused("a cost matrix needs problem.geometry = 'dense'");
  job_.data.cost = {};
  job_.data.target_points = job_.data.test;
  expect_refused("data.target_points is given, but not data.points");
  job_.data.target_points = {};
  job_.make.source_weights = WeightsKind::uniform;
  expect_refused("make.source_weights = 'uniform' needs points that measures share");
}

}  // namespace
}  // namespace otfleet
