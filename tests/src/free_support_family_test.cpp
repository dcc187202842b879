// Populations of barycenters whose measures have points of their own: their files, what make
// builds, and where the barycenters' points begin.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "src/families/barycenter/barycenter_population.hpp"
#include "src/families/barycenter/free_support_population.hpp"
#include "src/families/barycenter/initial_points.hpp"
#include "src/refusals.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/free_support_files.hpp"
#include "tests/src/made_barycenters.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::expect_error;
using testing::FreeSupportFile;

class FreeSupportFiles : public ::testing::Test {
 protected:
  /// Two problems of two and three measures in the plane.
  static FreeSupportFile good() {
    FreeSupportFile file;
    file.dimension = 2;
    file.add_measure({0, 0, 1, 0, 0, 1});
    file.add_measure({5, 5, 6, 5});
    file.add_measure({-1, 2});
    file.add_problem({0, 1});
    file.add_problem({2, 1, 0});
    file.mean_weights = {1, 3, 0, 1, 1};
    return file;
  }
  FreeSupportPopulation read(const FreeSupportFile& file) {
    file.write(path_);
    return read_free_supports(path_);
  }
  template <class... Parts>
  void expect_refused(const FreeSupportFile& file, const Parts&... parts) {
    file.write(path_);
    expect_error([&] { read_free_supports(path_); }, path_.string() + ": ", parts...);
  }
  template <class... Parts>
  void expect_refused_with(const std::function<void(Hdf5File&)>& change, const Parts&... parts) {
    good().write(path_, change);
    expect_error([&] { read_free_supports(path_); }, path_.string() + ": ", parts...);
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "pop.h5";
};

TEST_F(FreeSupportFiles, WhatIsWrittenIsReadAgain) {
  auto file = good();
  file.n = 2;
  file.start = {0, 0, 1, 1, 2, 2, 3, 3};
  file.support = {1, 1, 1, 3};
  const auto population = read(file);
  EXPECT_EQ(population.dimension, 2);
  EXPECT_EQ(population.measures.count(), 3);
  EXPECT_EQ(population.measures.size(1), 2);
  EXPECT_EQ(population.sets.problems(), 2);
  EXPECT_EQ(population.points, 2);
  EXPECT_EQ(population.start, file.start);
  EXPECT_EQ(population.support_weights, file.support);
  EXPECT_TRUE(holds_free_supports(path_));
  write_free_supports(folder_ / "again.h5", population);
  const auto again = read_free_supports(folder_ / "again.h5");
  EXPECT_EQ(again.measures.points, population.measures.points);
  EXPECT_EQ(again.sets.weights, population.sets.weights);
  EXPECT_EQ(again.start, population.start);
  EXPECT_EQ(again.content_fingerprint(), population.content_fingerprint());
  // Everything in it counts.
  std::set<std::string> fingerprints = {population.content_fingerprint()};
  file.start[3] += 1;
  fingerprints.insert(read(file).content_fingerprint());
  file.start.clear();
  fingerprints.insert(read(file).content_fingerprint());
  file.support.clear();
  EXPECT_EQ(read(file).points, 0);
  fingerprints.insert(read(file).content_fingerprint());
  file.points[0] += 1;
  fingerprints.insert(read(file).content_fingerprint());
  EXPECT_EQ(fingerprints.size(), 5u);
}

TEST_F(FreeSupportFiles, MistakesNameDatasetAndRow) {
  auto bad = good();
  bad.measures_end = {0, 3, 3, 6};
  expect_refused(bad, "/measures/offsets: measure 1 has no points");
  bad = good();
  bad.points[9] = std::nan("");
  expect_refused(bad, "/measures/points measure 1 has the coordinate nan (at point 1)");
  bad = good();
  bad.weights[1] = -1;
  expect_refused(bad, "/measures/weights measure 0 has a negative weight");
  bad = good();
  bad.measures[3] = 3;
  expect_refused(bad, "/problems/measures entry 3 (problem 1) refers to measure 3");
  bad = good();
  bad.mean_weights = {1, 1, 0, 0, 0};
  expect_refused(bad, "/problems/weights of problem 1 are all zero");
  bad = good();
  bad.weights = {1, 1, 1, 0.5, 0.5, 1};
  expect_refused(bad,
                 "problem 0 has masses that differ: 3 (measure 0) and 1 (measure 1); "
                 "solver.normalize = true scales every measure to mass 1");
  bad = good();
  bad.cost = "euclidean";
  expect_refused(bad, "attribute cost = 'euclidean'", "must be 'squared_euclidean'",
                 "points move to means");
  bad.cost = "";
  expect_refused(bad, "/geometry has no attribute cost");
}

TEST_F(FreeSupportFiles, MistakesInTheBarycentersPoints) {
  auto bad = good();
  bad.n = 2;
  bad.start = {0, 0, 1, 1, 2, std::numeric_limits<double>::infinity(), 3, 3};
  expect_refused(bad, "/barycenter/points problem 1 has the coordinate inf (at point 0)");
  bad = good();
  bad.n = 2;
  bad.support = {1, 1, 0, 0};
  expect_refused(bad, "/barycenter/weights row 1 has only zero weights");
  bad.support = {1, 1, 1, -1};
  expect_refused(bad, "/barycenter/weights row 1 has a negative weight");
  const auto with = [&](const char* name, std::vector<std::int64_t> shape) {
    return [name, shape](Hdf5File& file) {
      std::int64_t count = 1;
      for (const auto length : shape) count *= length;
      file.write<double>(std::string("/barycenter/") + name, shape,
                         std::vector<double>(static_cast<std::size_t>(count), 1.0));
    };
  };
  expect_refused_with(with("points", {2, 4, 3}), "/barycenter/points has shape [2, 4, 3]",
                      "[2 problems, points, 2 coordinates]");
  expect_refused_with(with("points", {1, 4, 2}), "/barycenter/points has shape [1, 4, 2]");
  expect_refused_with(with("points", {2, 0, 2}), "/barycenter/points has shape [2, 0, 2]");
  expect_refused_with(with("points", {2, 4}), "/barycenter/points");
  expect_refused_with(with("weights", {3, 4}), "/barycenter/weights has shape [3, 4]",
                      "[2 problems, points]");
  expect_refused_with(
      [&](Hdf5File& file) {
        with("points", {2, 4, 2})(file);
        with("weights", {2, 5})(file);
      },
      "/barycenter/weights has shape [2, 5]", "[2 problems, 4 points]");
  expect_refused_with(with("weight", {2, 4}),
                      "/barycenter: unknown dataset 'weight'; did you mean 'weights'?");
}

TEST_F(FreeSupportFiles, SupportsAreNotMixedUp) {
  good().write(path_);
  expect_error([&] { read_barycenter_population(path_); }, "every measure has points of its own",
               "barycenter.support = 'free'");
  BarycenterPopulation fixed;
  fixed.geometry.axes = {{0, 1}};
  fixed.geometry.n = fixed.geometry.m = 2;
  fixed.measures = 1;
  fixed.weights = {1, 1};
  fixed.sets.measures = {0};
  fixed.sets.offsets = {0, 1};
  write_barycenter_population(folder_ / "fixed.h5", fixed);
  EXPECT_FALSE(holds_free_supports(folder_ / "fixed.h5"));
  expect_error([&] { read_free_supports(folder_ / "fixed.h5"); }, "all measures share their points",
               "/measures/offsets");
}

TEST_F(FreeSupportFiles, TheJobSaysWhatTheFileDoesNot) {
  auto file = good();
  for (double& weight : file.weights) weight *= 1 + 2 * (&weight - file.weights.data() > 2);
  file.write(path_);
  Job job = Job::defaults(ProblemKind::barycenter);
  job.barycenter.support = BarycenterSupport::free;
  job.barycenter.points = 7;
  job.solver.normalize = true;
  const auto population = read_job_free_supports(job, path_);
  EXPECT_EQ(population.points, 7);
  for (std::int64_t s = 0; s < 3; ++s) EXPECT_NEAR(population.measures.mass(s), 1, 1e-12);
  job.given = {"problem.geometry"};
  expect_error([&] { read_job_free_supports(job, path_); }, "problem.geometry = 'grid'",
               "says otherwise");
  job.given = {"barycenter.points"};
  file.n = 2;
  file.support = {1, 1, 1, 1};
  file.write(path_);
  expect_error([&] { read_job_free_supports(job, path_); }, "barycenter.points = 7", "have 2");
  job.given.clear();
  EXPECT_EQ(read_job_free_supports(job, path_).points, 2);
}

TEST_F(FreeSupportFiles, EpsilonMayBeRelativeToCostsWithinProblems) {
  FreeSupportFile file;
  file.add_measure({0, 1});
  file.add_measure({4});
  file.add_measure({100});  // of no problem
  file.add_problem({0, 1});
  const auto population = read(file);
  // 16 and 9 both ways.
  EXPECT_DOUBLE_EQ(free_support_cost_statistic(population, CostStatistic::mean), 12.5);
  EXPECT_DOUBLE_EQ(free_support_cost_statistic(population, CostStatistic::max), 16);
}

TEST_F(FreeSupportFiles, InitialPointsAreSpreadOutAndDifferent) {
  // Three far clusters, of which two thirds of the weight is in one.
  FreeSupportFile file;
  file.dimension = 1;
  file.add_measure({0, 0.1, 0.2, 0.3, 0.4, 0.5});
  file.add_measure({100, 100.1, 200});
  file.add_problem({0, 1});
  file.add_problem({0, 1});
  file.mean_weights = {3, 1, 1, 0};
  const auto population = read(file);
  std::set<std::vector<double>> draws;
  for (std::int64_t seed = 0; seed < 20; ++seed) {
    const auto three = draw_initial_points(population, 0, 3, seed);
    std::set<int> clusters;
    for (const double x : three) clusters.insert(static_cast<int>(std::round(x / 100)));
    EXPECT_EQ(clusters.size(), 3u) << "seed " << seed;
    draws.insert(three);
    // As many points as there are: each once.
    const auto all = draw_initial_points(population, 0, 9, seed);
    EXPECT_EQ(std::set<double>(all.begin(), all.end()).size(), 9u);
    // More of them lie between.
    const auto more = draw_initial_points(population, 0, 12, seed);
    EXPECT_TRUE(std::equal(all.begin(), all.end(), more.begin()));
    for (const double x : more) EXPECT_TRUE(x >= 0 && x <= 200);
    // A measure without weight in the mean gives none.
    for (const double x : draw_initial_points(population, 1, 8, seed)) EXPECT_LE(x, 0.5);
  }
  EXPECT_GT(draws.size(), 10u);
  EXPECT_EQ(draw_initial_points(population, 0, 5, 3), draw_initial_points(population, 0, 5, 3));
}

TEST_F(FreeSupportFiles, OnePointIsAllThatOnePointGives) {
  FreeSupportFile file;
  file.dimension = 2;
  file.add_measure({3, 4});
  file.add_problem({0});
  EXPECT_EQ(draw_initial_points(read(file), 0, 3, 1), (std::vector<double>{3, 4, 3, 4, 3, 4}));
}

/// make, of images.
class MadeFreeSupports : public FreeSupportFiles {
 protected:
  static Job job() {
    Job job = testing::random_barycenter_job(30, 6);
    job.barycenter.support = BarycenterSupport::free;
    job.problem.geometry = GeometryKind::clouds;
    job.make.source_weights = WeightsKind::sparse_uniform;
    return job;
  }
  FreeSupportPopulation make(const Job& job) {
    return read_free_supports(testing::make_barycenters_in(folder_.path(), job));
  }
};

TEST_F(MadeFreeSupports, MeasuresAreThePointsWithWeight) {
  const auto clouds = make(job());
  auto fixed = job();
  fixed.barycenter.support = BarycenterSupport::fixed;
  fixed.problem.geometry = GeometryKind::grid;
  const auto shared =
      read_barycenter_population(testing::make_barycenters_in(folder_.path(), fixed));
  EXPECT_EQ(clouds.sets.measures, shared.sets.measures);
  EXPECT_EQ(clouds.sets.offsets, shared.sets.offsets);
  ASSERT_EQ(clouds.measures.count(), shared.measures);
  EXPECT_EQ(clouds.dimension, 2);
  const auto points = shared.geometry.points(false);
  std::size_t at = 0;
  std::set<std::int64_t> sizes;
  for (std::int64_t s = 0; s < shared.measures; ++s) {
    sizes.insert(clouds.measures.size(s));
    for (std::size_t j = 0; j < 20; ++j) {
      const double weight = shared.weights[static_cast<std::size_t>(s) * 20 + j];
      if (!(weight > 0)) continue;
      EXPECT_EQ(clouds.measures.weights[at], weight);
      EXPECT_EQ(clouds.measures.points[2 * at], points[2 * j]);
      EXPECT_EQ(clouds.measures.points[2 * at + 1], points[2 * j + 1]);
      ++at;
    }
  }
  EXPECT_EQ(at, clouds.measures.weights.size());
  EXPECT_GT(sizes.size(), 2u);
}

TEST_F(MadeFreeSupports, MeasuresMayLieOnPointsOfTheUser) {
  testing::write_bytes(folder_ / "points.npy",
                       testing::npy(testing::npy_header("<f8", "(3, 2)"),
                                    testing::bytes_of<double>({0, 1, 2, 3, 4, 5})));
  auto asked = job();
  asked.make.grid.clear();
  asked.make.source_weights = WeightsKind::uniform;
  asked.data.points.file = folder_ / "points.npy";
  const auto population = make(asked);
  EXPECT_EQ(population.measures.size(0), 3);
  EXPECT_EQ(population.measures.points[5], 5);
}

TEST_F(MadeFreeSupports, WhatFreeSupportsDoNotHaveIsRefusedByName) {
  const auto refused = [](const std::string& command, const std::function<void(Job&)>& change,
                          const std::string& part, const std::string& other) {
    Job asked = job();
    change(asked);
    expect_error([&] { check_command_fits(asked, command); }, part, other);
  };
  check_command_fits(job(), "make");
  check_command_fits(job(), "solve");
  refused(
      "solve", [](Job& one) { one.barycenter.debiased = true; }, "barycenter.debiased = 'true'",
      "fixed support");
  refused(
      "solve", [](Job& one) { one.problem.tau_a = one.problem.tau_b = 0.9; },
      "problem.tau_a = '0.9'", "fixed support");
  refused(
      "solve", [](Job& one) { one.problem.cost = kernels::EuclideanCost{}; },
      "problem.cost = 'euclidean'", "points move to means");
  refused(
      "make", [](Job& one) { one.problem.geometry = GeometryKind::dense; },
      "problem.geometry = 'dense'", "use 'clouds'");
  for (const char* command : {"train", "evaluate", "scale"})
    refused(
        command, [](Job&) {}, std::string("otfleet ") + command, "not for problem = 'barycenter'");
  auto fixed = job();
  fixed.barycenter.support = BarycenterSupport::fixed;
  fixed.given = {"barycenter.max_moves"};
  EXPECT_EQ(barycenter_complaint(fixed), "barycenter.max_moves needs barycenter.support = 'free'");
}

}  // namespace
}  // namespace otfleet
