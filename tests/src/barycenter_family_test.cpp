// Populations of barycenter problems: their files and what make draws.
#include <gtest/gtest.h>

#include <set>

#include "src/families/barycenter/barycenter_population.hpp"
#include "src/populations/population.hpp"
#include "src/refusals.hpp"
#include "tests/src/barycenter_files.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/made_barycenters.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::BarycenterFile;
using testing::expect_error;

class BarycenterFiles : public ::testing::Test {
 protected:
  /// Two problems of two and three measures on three points of a line.
  static BarycenterFile good() {
    BarycenterFile file;
    file.axes = {{0, 0.5, 1}};
    file.m = file.n = 3;
    file.weights = {1, 0, 0, 0, 1, 0, 0.25, 0.25, 0.5};
    file.offsets = {0, 2, 5};
    file.measures = {0, 1, 2, 1, 0};
    file.mean_weights = {1, 2, 0, 1, 1};
    return file;
  }
  BarycenterPopulation read(const BarycenterFile& file, bool equal_masses = true) {
    file.write(path_);
    return read_barycenter_population(path_, equal_masses);
  }
  template <class... Parts>
  void expect_refused(const BarycenterFile& file, const Parts&... parts) {
    file.write(path_);
    expect_error([&] { read_barycenter_population(path_); }, path_.string() + ": ", parts...);
  }
  template <class... Parts>
  void expect_refused_with(const std::function<void(Hdf5File&)>& change, const Parts&... parts) {
    good().write(path_, change);
    expect_error([&] { read_barycenter_population(path_); }, path_.string() + ": ", parts...);
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "pop.h5";
};

TEST_F(BarycenterFiles, WhatIsWrittenIsReadAgain) {
  const auto population = read(good());
  EXPECT_EQ(population.measures, 3);
  EXPECT_EQ(population.geometry.n, 3);
  EXPECT_EQ(population.sets.problems(), 2);
  EXPECT_EQ(population.sets.largest(), 3);
  EXPECT_EQ(population.sets.weight(1), 2);
  write_barycenter_population(folder_ / "again.h5", population);
  const auto again = read_barycenter_population(folder_ / "again.h5");
  EXPECT_EQ(again.weights, population.weights);
  EXPECT_EQ(again.sets.offsets, population.sets.offsets);
  EXPECT_EQ(again.sets.measures, population.sets.measures);
  EXPECT_EQ(again.sets.weights, population.sets.weights);
  EXPECT_EQ(again.content_fingerprint(), population.content_fingerprint());
  auto other = good();
  other.mean_weights.clear();
  const auto equal = read(other);
  EXPECT_EQ(equal.sets.weight(2), 1);
  EXPECT_NE(equal.content_fingerprint(), population.content_fingerprint());
}

TEST_F(BarycenterFiles, TheSupportMayBeOtherPoints) {
  auto file = good();
  file.geometry = "dense";
  file.axes.clear();
  file.n = 2;
  file.cost = {0, 1, 2, 3, 4, 5};
  const auto population = read(file);
  EXPECT_EQ(population.geometry.n, 2);
  EXPECT_EQ(population.geometry.m, 3);
  file.geometry.clear();  // what the group holds says so, too
  EXPECT_EQ(read(file).geometry.n, 2);
}

TEST_F(BarycenterFiles, MistakesNameDatasetAndRow) {
  auto bad = good();
  bad.offsets = {};
  expect_refused(bad, "/problems/offsets is empty");
  bad.offsets = {1, 2, 5};
  expect_refused(bad, "/problems/offsets begins with 1, not with 0");
  bad.offsets = {0, 2, 2, 5};
  expect_refused(bad, "/problems/offsets goes from 2 to 2 at problem 1", "needs a measure");
  bad.offsets = {0, 3, 2, 5};
  expect_refused(bad, "goes from 3 to 2 at problem 1");
  bad.offsets = {0, 2, 4};
  expect_refused(bad, "/problems/offsets ends with 4, but /problems/measures has 5 entries");
  bad = good();
  bad.measures[3] = 3;
  expect_refused(bad, "/problems/measures entry 3 (problem 1) refers to measure 3; there are 3");
  bad.measures[3] = -1;
  expect_refused(bad, "/problems/measures", "refers to measure -1");
  bad = good();
  bad.mean_weights[1] = -2;
  expect_refused(bad, "/problems/weights entry 1 (problem 0) is -2");
  bad.mean_weights = {1, 2, 0, 0, 0};
  expect_refused(bad, "/problems/weights of problem 1 are all zero");
  bad.mean_weights = {1, 2};
  expect_refused(bad, "/problems/weights has 2 entries, /problems/measures 5");
  bad = good();
  bad.weights[4] = -1;
  expect_refused(bad, "/measures/weights row 1 has a negative weight (-1 at point 1)");
  bad = good();
  for (int i = 3; i < 6; ++i) bad.weights[i] = 0;
  expect_refused(bad, "/measures/weights row 1 has only zero weights");
  bad = good();
  bad.axes = {{0, 1}};
  expect_refused(bad, "the axes [2] make 2 points, but the measures have 3 and 3");
}

TEST_F(BarycenterFiles, MassesOfAProblemAreEqualUnlessTheyNeedNotBe) {
  auto heavy = good();
  for (int i = 0; i < 3; ++i) heavy.weights[i] *= 2;
  expect_refused(heavy, "problem 0 has masses that differ: 2 (measure 0) and 1 (measure 1)",
                 "solver.normalize = true", "problem.tau_a");
  EXPECT_EQ(read(heavy, false).measures, 3);
  Job job = Job::defaults(ProblemKind::barycenter);
  job.solver.normalize = true;
  EXPECT_EQ(read_job_barycenters(job, path_).weights, read(good()).weights);
}

TEST_F(BarycenterFiles, UnknownNamesAndOtherFamilies) {
  expect_refused_with(
      [](Hdf5File& file) { file.write<double>("/problems/weight", {1}, std::vector<double>{1}); },
      "/problems: unknown dataset 'weight'; did you mean 'weights'?");
  expect_refused_with(
      [](Hdf5File& file) {
        file.write<std::int64_t>("/problems/source", {1}, std::vector<std::int64_t>{1});
      },
      "/problems: unknown dataset 'source'");
  expect_refused_with(
      [](Hdf5File& file) { file.set_attribute("/", "otfleet_family", std::string("linear")); },
      "its problems are of kind 'linear'");
  expect_refused_with(
      [](Hdf5File& file) { file.set_attribute("/geometry", "kind", std::string("clouds")); },
      "every measure has points of its own");
  // And the other way around.
  good().write(path_);
  expect_error([&] { read_population(path_); }, "set problem = 'barycenter'");
  Population pairs;
  pairs.geometry.axes = {{0, 1}};
  pairs.geometry.n = pairs.geometry.m = 2;
  pairs.source_weights = {1, 0};
  pairs.source_measures = 1;
  std::filesystem::remove(path_);
  write_population(path_, pairs);
  expect_error([&] { read_barycenter_population(path_); },
               "its problems are pairs of measures, not of kind 'barycenter'");
}

TEST_F(BarycenterFiles, PointsGetStoredCostsUpToASize) {
  Geometry geometry;
  geometry.kind = Geometry::Kind::points;
  geometry.source_points = {0, 1};
  geometry.target_points = {0, 1, 3};
  geometry.n = 2;
  geometry.m = 3;
  geometry.dimension = 1;
  const auto stored = with_stored_costs(geometry, "pop.h5");
  EXPECT_EQ(stored.kind, Geometry::Kind::dense);
  EXPECT_EQ(stored.cost, (std::vector<double>{0, 1, 9, 1, 0, 4}));
  geometry.n = geometry.m = 20000;  // refused before anything is computed
  expect_error([&] { with_stored_costs(geometry, "pop.h5"); }, "pop.h5: ", "4e+08 costs",
               "up to 134217728 are stored");
}

/// make, of random measures on a grid.
class MadeBarycenters : public BarycenterFiles {
 protected:
  static Job job() { return testing::random_barycenter_job(40, 12); }
  BarycenterPopulation make(const Job& job) {
    return read_barycenter_population(testing::make_barycenters_in(folder_.path(), job));
  }
};

TEST_F(MadeBarycenters, ProblemsAreRaggedAndTheirMeasuresDifferent) {
  const auto population = make(job());
  EXPECT_EQ(population.measures, 12);
  EXPECT_EQ(population.geometry.axes.size(), 2u);
  EXPECT_TRUE(population.sets.weights.empty());
  std::set<std::int64_t> sizes;
  for (std::int64_t k = 0; k < 40; ++k) {
    sizes.insert(population.sets.size(k));
    const auto first = population.sets.measures.begin() + population.sets.offsets[k];
    const std::set<std::int32_t> different(first, first + population.sets.size(k));
    EXPECT_EQ(static_cast<std::int64_t>(different.size()), population.sets.size(k));
  }
  EXPECT_GT(sizes.size(), 6u);
  EXPECT_GE(*sizes.begin(), 1);
  EXPECT_LE(*sizes.rbegin(), 12);
}

TEST_F(MadeBarycenters, TheSeedSaysAllAndMoreProblemsBeginAlike) {
  auto asked = job();
  asked.barycenter.weights = MeanWeights::random;
  const auto first = make(asked);
  ASSERT_EQ(first.sets.weights.size(), first.sets.measures.size());
  for (const double weight : first.sets.weights) EXPECT_GT(weight, 0);
  EXPECT_EQ(make(asked).content_fingerprint(), first.content_fingerprint());
  asked.make.test_problems = 60;
  const auto more = make(asked);
  EXPECT_EQ(more.sets.problems(), 60);
  for (std::size_t at = 0; at < first.sets.measures.size(); ++at) {
    EXPECT_EQ(more.sets.measures[at], first.sets.measures[at]);
    EXPECT_EQ(more.sets.weights[at], first.sets.weights[at]);
  }
  asked.seed = 8;
  EXPECT_NE(make(asked).sets.measures, more.sets.measures);
}

TEST_F(MadeBarycenters, BarycentersMayHaveOtherPointsThanMeasures) {
  testing::write_bytes(folder_ / "to.npy", testing::npy(testing::npy_header("<f8", "(3, 1)"),
                                                        testing::bytes_of<double>({0, 1, 2})));
  testing::write_bytes(folder_ / "from.npy", testing::npy(testing::npy_header("<f8", "(2, 1)"),
                                                          testing::bytes_of<double>({0, 2})));
  auto asked = job();
  asked.make.grid.clear();
  asked.problem.geometry = GeometryKind::points;
  asked.data.points.file = folder_ / "from.npy";
  asked.data.target_points.file = folder_ / "to.npy";
  const auto population = make(asked);
  EXPECT_EQ(population.geometry.n, 2);
  EXPECT_EQ(population.geometry.m, 3);
  EXPECT_EQ(population.weights.size(), 36u);
}

TEST_F(MadeBarycenters, MistakesInTheJob) {
  auto asked = job();
  asked.barycenter.most_measures = 13;
  expect_error([&] { make(asked); }, "barycenter.most_measures = 13", "there are 12 measures");
  asked = job();
  asked.make.source_weights = WeightsKind::data;
  expect_error([&] { make(asked); }, "data.test is missing");
  asked = job();
  asked.barycenter.fewest_measures = 13;
  EXPECT_NE(barycenter_complaint(asked).find("barycenter.fewest_measures = 13 is more than"),
            std::string::npos);
  Job pairs;
  EXPECT_EQ(barycenter_complaint(pairs), "");
  pairs.given = {"barycenter.debiased"};
  EXPECT_EQ(barycenter_complaint(pairs), "barycenter.debiased needs problem = 'barycenter'");
}

TEST_F(MadeBarycenters, WhatBarycentersDoNotHaveIsRefusedByName) {
  const auto refused = [](const std::string& command, const std::function<void(Job&)>& change,
                          const std::string& part, const std::string& other) {
    Job asked = job();
    change(asked);
    expect_error([&] { check_command_fits(asked, command); }, part, other);
  };
  check_command_fits(job(), "make");
  check_command_fits(job(), "solve");
  for (const char* command : {"train", "evaluate", "scale"})
    refused(
        command, [](Job&) {}, std::string("otfleet ") + command, "not for problem = 'barycenter'");
  refused(
      "solve", [](Job& one) { one.problem.tau_a = 0.9; }, "problem.tau_b", "must be equal");
  refused(
      "solve", [](Job& one) { one.problem.transported_share = 0.5; },
      "problem.transported_share = '0.5'", "pairs of measures");
  refused(
      "solve",
      [](Job& one) {
        one.problem.tau_a = one.problem.tau_b = 0.9;
        one.barycenter.debiased = true;
      },
      "barycenter.debiased = 'true' needs problem.tau_a", "exact");
  refused(
      "solve", [](Job& one) { one.solver.initializer = "gaussian"; }, "solver.initializer",
      "use 'zeros'");
  refused(
      "solve", [](Job& one) { one.solver.method = "newton"; }, "solver.method", "use 'auto'");
  refused(
      "solve", [](Job& one) { one.solver.precision = Precision::in_float; }, "solver.precision",
      "use 'double'");
  refused(
      "solve", [](Job& one) { one.solver.shard = Sharding::rows; }, "solver.shard",
      "use 'problems'");
  refused(
      "solve", [](Job& one) { one.solution.plan = PlanRule::top_k; }, "solution.plan",
      "plans between pairs");
  refused(
      "solve", [](Job& one) { one.solution.divergence = true; }, "solution.divergence",
      "plans between pairs");
  refused(
      "make", [](Job& one) { one.data.train.file = "x.npy"; }, "data.train.file", "data.test");
  refused(
      "make", [](Job& one) { one.make.pixels = 9; }, "make.pixels", "common points");
  refused(
      "make", [](Job& one) { one.make.pairs.kind = PairKind::all_pairs; }, "make.pairs.kind",
      "barycenter.fewest_measures");
  refused(
      "make", [](Job& one) { one.problem.geometry = GeometryKind::clouds; }, "problem.geometry",
      "needs barycenter.support = 'free'");
  Job asked = job();
  asked.data.train.file = "x.npy";  // what make would not take, solve does not read
  check_command_fits(asked, "solve");
}

}  // namespace
}  // namespace otfleet
