#include "src/families/least_action/lagrangian_choice.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "src/job.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using testing::expect_error;
using Values = std::vector<double>;

class LagrangianChoice : public ::testing::Test {
 protected:
  /// The Lagrangian of a job with problem = "least_action" and these overrides.
  kernels::Lagrangian choose(const std::vector<std::string>& overrides) const {
    testing::write_bytes(folder_ / "job.toml", "problem = \"least_action\"\n");
    return read_lagrangian(read_job(folder_ / "job.toml", overrides).lagrangian);
  }
  template <class... Parts>
  void expect_refused(const std::vector<std::string>& overrides, const Parts&... parts) const {
    expect_error([&] { choose(overrides); }, parts...);
  }

  /// 3 rows of 4 numbers, 0 to 11.
  std::vector<std::string> grid(const std::string& name, const std::string& box) {
    Values numbers;
    for (int k = 0; k < 12; ++k) numbers.push_back(k);
    testing::write_bytes(folder_ / "grid.npy", testing::npy(testing::npy_header("<f8", "(3, 4)"),
                                                            testing::bytes_of(numbers)));
    return {"lagrangian.name=" + name, "lagrangian.grid.file=" + (folder_ / "grid.npy").string(),
            "lagrangian.box=" + box};
  }

  /// B at a point, with strength 1.
  static double barrier(const kernels::Lagrangian& lagrangian, double x, double y) {
    const double at[2] = {x, y}, still[2] = {0, 0};
    return lagrangian_at(lagrangian, at, still, 2);
  }

  testing::TemporaryFolder folder_;
};

TEST_F(LagrangianChoice, UsualParametersUnlessTheJobSaysOtherwise) {
  EXPECT_EQ(description_of(choose({})), "squared_euclidean");
  EXPECT_EQ(description_of(choose({"lagrangian.name=box"})),
            "box, strength 3.61, temperature 0.01");
  EXPECT_EQ(description_of(choose({"lagrangian.name=slit"})),
            "slit, strength 361, temperature 0.01");
  EXPECT_EQ(description_of(choose({"lagrangian.name=box", "lagrangian.strength=0"})),
            "box, strength 0, temperature 0.01");
  for (const auto& one : kernels::all_lagrangians()) {
    const bool needs_numbers = std::visit(
        [](const auto& typed) { return kernels::has_grid<std::remove_cvref_t<decltype(typed)>>; },
        one);
    if (needs_numbers && !std::holds_alternative<kernels::GlobeLagrangian>(one)) continue;
    EXPECT_EQ(description_of(choose({std::string("lagrangian.name=") + name_of(one)})),
              description_of(one));
  }
}

TEST_F(LagrangianChoice, FingerprintsDifferWhereLagrangiansDo) {
  const auto first = grid("grid", "[0,3,0,2]");
  auto upside_down = first, slow = first, strong = first;
  upside_down[2] = "lagrangian.box=[0,3,2,0]";
  strong.emplace_back("lagrangian.strength=2");
  const std::vector<std::vector<std::string>> choices = {
      {},
      {"lagrangian.name=box"},
      {"lagrangian.name=box", "lagrangian.strength=3.6"},
      first,
      upside_down,
      strong};
  std::vector<std::string> fingerprints;
  for (const auto& choice : choices) {
    fingerprints.push_back(fingerprint_of(choose(choice)));
    EXPECT_EQ(fingerprints.back(), fingerprint_of(choose(choice)));
    EXPECT_EQ(fingerprints.back().size(), 16u);
  }
  for (std::size_t i = 0; i < fingerprints.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(fingerprints[i], fingerprints[j]) << i << j;
}

TEST_F(LagrangianChoice, DirectionsHaveNoLengthAndNoSign) {
  // Along (3, 4)/5 everywhere, as vectors of other lengths and signs; none in one place.
  Values vectors;
  for (int k = 0; k < 9; ++k) {
    const double length = k == 4 ? 0 : (k % 2 == 0 ? 1 : -2) * (k + 1);
    vectors.insert(vectors.end(), {3 * length, 4 * length});
  }
  const auto write = [&](const Values& values, const std::string& shape) {
    testing::write_bytes(folder_ / "ways.npy", testing::npy(testing::npy_header("<f8", shape),
                                                            testing::bytes_of(values)));
  };
  write(vectors, "(3, 3, 2)");
  const std::vector<std::string> job = {
      "lagrangian.name=directions", "lagrangian.grid.file=" + (folder_ / "ways.npy").string(),
      "lagrangian.box=[-100,100,-100,100]", "lagrangian.along=0.2"};
  const auto ways = choose(job);
  EXPECT_EQ(description_of(ways), "directions, along 0.2, 3 x 3 numbers");
  const double corner[2] = {100, 100}, along[2] = {0.6, 0.8}, across[2] = {-0.8, 0.6};
  const double none = 1.0 / 36;  // the share of the middle in the corner's sum
  EXPECT_NEAR(lagrangian_at(ways, corner, along, 2), 0.5 * (0.2 + 0.4 * none), 1e-12);
  EXPECT_NEAR(lagrangian_at(ways, corner, across, 2), 0.5 * (1 - 0.4 * none), 1e-12);
  write(vectors, "(9, 2)");
  expect_refused(job, "ways.npy", "must be [H, W, 2]");
  vectors[11] = NAN;
  write(vectors, "(3, 3, 2)");
  expect_refused(job, "ways.npy: holds -36, nan in row 1, column 2");
  auto means = job;
  means.emplace_back("lagrangian.grid_means=slowness");
  expect_refused(means, "lagrangian.grid_means");
}

TEST_F(LagrangianChoice, MetricsAreSymmetricAndPositiveDefinite) {
  const auto choose_metric = [&](const Values& node, const std::string& shape = "(2, 3, 2, 2)") {
    Values values;
    for (int k = 0; k < 5; ++k) values.insert(values.end(), {2, 0.5, 0.5, 1});
    values.insert(values.end(), node.begin(), node.end());
    testing::write_bytes(folder_ / "metric.npy", testing::npy(testing::npy_header("<f8", shape),
                                                              testing::bytes_of(values)));
    return choose({"lagrangian.name=metric",
                   "lagrangian.grid.file=" + (folder_ / "metric.npy").string(),
                   "lagrangian.box=[0,2,0,1]"});
  };
  const auto metric = choose_metric({2, 0.5, 0.5, 1});
  EXPECT_EQ(description_of(metric), "metric, 2 x 3 numbers");
  const double x[2] = {0.7, 0.2}, v[2] = {0.3, -0.4}, y[2] = {1, -0.2};
  EXPECT_NEAR(lagrangian_at(metric, x, v, 2), 0.5 * (2 * 0.09 + 2 * 0.5 * -0.12 + 0.16), 1e-12);
  // The smaller eigenvalue is (3 − √2) / 2.
  EXPECT_NEAR(least_action_bound(metric, x, y, 2), 0.25 * (0.09 + 0.16) * (3 - std::sqrt(2.0)),
              1e-9);
  const std::string where = "metric.npy: holds ", place = "in row 1, column 2";
  expect_error([&] { choose_metric({2, 0.5, 0.4, 1}); }, where, place, "symmetric");
  expect_error([&] { choose_metric({1, 1, 1, 1}); }, where, place, "positive definite");
  expect_error([&] { choose_metric({1, 2, 2, 1}); }, where, place, "positive definite");
  expect_error([&] { choose_metric({-1, 0, 0, 1}); }, where, place, "positive definite");
  expect_error([&] { choose_metric({NAN, 0, 0, 1}); }, where, place, "finite");
  expect_error([&] { choose_metric({1, 0, 0, 1}, "(2, 3, 4)"); }, "must be [H, W, 2, 2]");
}

TEST_F(LagrangianChoice, TheBoxMayBeBesideTheGrid) {
  const auto file = (folder_ / "model.h5").string();
  const auto choose_from = [&](const Values& box, const std::vector<std::string>& more = {}) {
    auto written = distributed::Hdf5File::create(file);
    const Values vectors(8, 1.0);
    written.write<double>("/model/ways", {2, 2, 2}, vectors);
    if (!box.empty()) written.write<double>("/model/box", {static_cast<int>(box.size())}, box);
    written.close();
    std::vector<std::string> overrides = {"lagrangian.name=directions",
                                          "lagrangian.grid.file=" + file,
                                          "lagrangian.grid.dataset=model/ways"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return std::get<kernels::DirectionsLagrangian>(choose(overrides));
  };
  EXPECT_EQ(choose_from({-1, 3, 5, 2}).field.step[0], 4);
  EXPECT_EQ(choose_from({-1, 3, 5, 2}).field.low[1], 5);
  EXPECT_EQ(choose_from({-1, 3, 5, 2}, {"lagrangian.box=[0,1,0,1]"}).field.low[1], 0);
  expect_error([&] { choose_from({}); }, "model.h5", "set lagrangian.box");
  expect_error([&] { choose_from({1, 2, 3}); }, "model.h5: /model/box", "four numbers");
  expect_error([&] { choose_from({1, 1, 2, 3}); }, "model.h5: /model/box", "must not be empty");
}

TEST_F(LagrangianChoice, NumbersLieWhereTheBoxSays) {
  // A B-spline of numbers that are linear in both indices is linear inside: 4 i + j.
  const auto plane = choose(grid("grid", "[10,40,-1,1]"));
  EXPECT_EQ(description_of(plane), "grid, strength 1, 3 x 4 numbers");
  EXPECT_NEAR(barrier(plane, 20, 0), 5, 1e-12);
  EXPECT_NEAR(barrier(plane, 25, 0), 5.5, 1e-12);
  EXPECT_NEAR(barrier(choose(grid("grid", "[40,10,1,-1]")), 20, 0), 6, 1e-12);
  // Beyond its edges it goes on as at the edge.
  EXPECT_EQ(barrier(plane, 1e9, 0), barrier(plane, 40, 0));
  EXPECT_EQ(barrier(plane, 25, -1e9), barrier(plane, 25, -1));
  const double ends[4] = {20, 0, 30, 0};
  EXPECT_NEAR(least_action_bound(plane, ends, ends + 2, 2), 50, 1e-12);
}

TEST_F(LagrangianChoice, ColumnsAllAroundTheGlobeHaveNoEdge) {
  const auto around = choose(grid("globe", "[0,270,-45,45]"));
  const auto turned = [&](double longitude) { return barrier(around, longitude, 0); };
  for (const double longitude : {0.0, 33.0, 300.0}) {
    EXPECT_NEAR(turned(longitude), turned(longitude + 360), 1e-12);
    EXPECT_NEAR(turned(longitude), turned(longitude - 720), 1e-12);
  }
  // Half way between the last column and the first.
  EXPECT_NEAR(turned(315), turned(-45), 1e-12);
  EXPECT_GT(std::abs(turned(315) - turned(270)), 0.5);
  EXPECT_NO_THROW(require_points_for("points", around, Values{1000, 0}, 2));
  // Part of it has edges.
  const auto part = choose(grid("globe", "[0,30,-45,45]"));
  EXPECT_EQ(barrier(part, 31, 0), barrier(part, 30, 0));
  expect_error(
      [&] {
        require_points_for("ports.csv", part, Values{1, 0, 31, 0}, 2);
      },
      "ports.csv", "point 1 has the coordinate 31", "lagrangian.box = 0 to 30");
}

TEST_F(LagrangianChoice, PointsBeyondTheGridOrOfOtherDimensionsAreRefused) {
  const auto plane = choose(grid("grid", "[0,3,2,0]"));
  EXPECT_NO_THROW(require_points_for("points", plane, Values{0, 0, 3, 2}, 2));
  expect_error(
      [&] {
        require_points_for("a.npy", plane, Values{0, 0, 1, 2.1}, 2);
      },
      "a.npy", "point 1 has the coordinate 2.1", "lagrangian.box = 2 to 0");
  expect_error(
      [&] {
        require_points_for("a.npy", plane, Values{0, 0, 0}, 3);
      },
      "a.npy: points of 3 coordinates", "'grid' takes 2");
  const auto any = choose({});
  EXPECT_NO_THROW(require_points_for("points", any, Values(16, 0.0), 16));
  expect_error([&] { require_points_for("a.npy", any, Values(17, 0.0), 17); }, "1 to 16");
}

TEST_F(LagrangianChoice, NumbersThatAreNoneAreRefused) {
  const auto plane = grid("grid", "[0,3,0,2]");
  auto slow = plane;
  slow.emplace_back("lagrangian.grid_means=slowness");
  expect_refused(slow, "grid.npy: holds 0 in row 0, column 0", "above zero");
  auto flat = plane;
  testing::write_bytes(folder_ / "flat.npy", testing::npy(testing::npy_header("<f8", "(12,)"),
                                                          testing::bytes_of(Values(12, 1.0))));
  flat[1] = "lagrangian.grid.file=" + (folder_ / "flat.npy").string();
  expect_refused(flat, "flat.npy", "at least two rows and columns", "[12]");
}

}  // namespace
}  // namespace otfleet
