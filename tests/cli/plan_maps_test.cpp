// Points through the plans of a population that was solved before.
#include "tests/cli/pipeline.hpp"
#include "tests/src/small_populations.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::cloud_population;
using testing::Words;
using Values = std::vector<double>;

class PlanMaps : public testing::PipelineTest {
 protected:
  static constexpr int count = 6;

  static void write_points(const std::string& name, const Values& points, int dimension) {
    const auto rows = std::to_string(points.size() / static_cast<std::size_t>(dimension));
    testing::write_bytes(
        path(name), testing::npy(testing::npy_header(
                                     "<f8", "(" + rows + ", " + std::to_string(dimension) + ")"),
                                 testing::bytes_of(points)));
  }
  /// Of a population in a file, whose folder of results is `name`.
  static Words map_words(const std::string& name, const std::string& points,
                         const Words& more = {}) {
    Words overrides = {"files.test_population=" + name + ".h5", "solver.initializer=zeros",
                       "files.solution=" + name + "/solution.h5", "map.points.file=" + points};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return overrides;
  }
  static void solve(const std::string& name, const Words& more = {}) {
    Words overrides = {"files.test_population=" + name + ".h5", "solver.initializer=zeros"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    report_of("solve", name, overrides, 1);
  }
  static Values images(const std::string& output) {
    return Hdf5File::open(path(output) / "solution.h5").read<double>("/solution/image");
  }
  static void expect_refused(const Words& overrides, const std::vector<std::string>& parts) {
    const auto result = run(words("solve", "refused", overrides));
    EXPECT_EQ(result.code, 2) << result.err;
    for (const auto& part : parts)
      EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
    EXPECT_FALSE(std::filesystem::exists(path("refused/solution.h5")));
  }
};

/// The sources' own points go where the plan's projection takes them, on any number of ranks and in
/// shares; potentials are extended as they are.
TEST_F(PlanMaps, OwnPointsGoToTheProjection) {
  const auto population = cloud_population(5, 30, count, false);
  write_cloud_population(path("clouds.h5"), population);
  solve("clouds", {"solution.projection=true", "solver.threshold=1e-6"});
  const auto& table = population.sources;
  write_points("all.npy", table.points, 2);
  const auto report = report_of("solve", "clouds-map", map_words("clouds", "all.npy"), 1);
  EXPECT_EQ(report["method"]["chosen"], "entropic map");
  EXPECT_EQ(report["points"], table.points.size() / 2);
  EXPECT_EQ(report["converged"], count);
  report_of("solve", "clouds-map3", map_words("clouds", "all.npy"), 3);
  EXPECT_EQ(images("clouds-map"), images("clouds-map3"));
  for (const char* share : {"0/2", "1/2"}) {
    Words part = words("solve", "clouds-shares", map_words("clouds", "all.npy"));
    part.insert(part.end(), {"--share", share});
    EXPECT_EQ(run(part).code, 0);
  }
  report_of("solve", "clouds-shares", map_words("clouds", "all.npy"), 1);
  EXPECT_EQ(images("clouds-map"), images("clouds-shares"));

  const auto solved = Hdf5File::open(path("clouds") / "solution.h5");
  const auto mapped = Hdf5File::open(path("clouds-map") / "solution.h5");
  EXPECT_EQ(mapped.read<double>("/solution/marginal_error"),
            solved.read<double>("/solution/marginal_error"));
  const auto projection = solved.read<double>("/solution/projection");
  const auto f = solved.read<double>("/solution/f");
  const auto offsets = solved.read<std::int64_t>("/solution/f_offsets");
  const double epsilon = solved.number_attribute("/solution", "epsilon").value();
  const auto image = mapped.read<double>("/solution/image");
  const auto value = mapped.read<double>("/solution/value");
  const auto all = table.points.size() / 2;
  int compared = 0;
  for (std::size_t k = 0; k < count; ++k) {
    const auto first = static_cast<std::size_t>(table.offsets[population.source[k]]);
    for (auto i = static_cast<std::size_t>(offsets[k]);
         i < static_cast<std::size_t>(offsets[k + 1]); ++i) {
      const std::size_t point = first + i - static_cast<std::size_t>(offsets[k]);
      const double weight = table.weights[point] / table.mass(population.source[k]);
      if (!(weight > 0)) continue;
      for (std::size_t c = 0; c < 2; ++c)
        EXPECT_NEAR(image[2 * (k * all + point) + c], projection[2 * i + c], 1e-9);
      EXPECT_NEAR(value[k * all + point], f[i] - epsilon * std::log(weight), 1e-4);
      ++compared;
    }
  }
  EXPECT_GT(compared, 20);
}

/// On a grid, forward and back; a solution on the way stays as it is.
TEST_F(PlanMaps, NodesOfAGrid) {
  report_of("solve", "grid", {"solver.initializer=zeros", "solution.projection=true"}, 1);
  const auto before = testing::read_bytes(path("grid/solution.h5"));
  const Words of_grid = {"solver.initializer=zeros", "files.solution=grid/solution.h5",
                         "map.points.file=nodes.npy"};
  const auto population = read_population(path("job-out/make/test.h5"));
  write_points("nodes.npy", population.geometry.points(true), 2);
  report_of("solve", "grid-map", of_grid, 2);
  const auto solved = Hdf5File::open(path("grid/solution.h5"));
  const auto projection = solved.read<double>("/solution/projection");
  const auto image = images("grid-map");
  ASSERT_EQ(image.size(), projection.size());
  for (std::size_t at = 0; at < image.size(); ++at)
    if (!std::isnan(projection[at])) {
      EXPECT_NEAR(image[at], projection[at], 1e-9);
    }
  Words back = of_grid;
  back.push_back("map.direction=backward");
  report_of("solve", "grid-back", back, 1);
  // There and back: near where they were, as far as the plan blurs.
  const auto returned = images("grid-back");
  EXPECT_EQ(returned.size(), image.size());
  EXPECT_EQ(testing::read_bytes(path("grid/solution.h5")), before);
}

/// Without names: the solution beside, results in a folder of their own, and what to do without.
TEST_F(PlanMaps, UsualPlaces) {
  write_points("two.npy", {0.2, 0.3, 0.7, 0.7}, 2);
  std::filesystem::copy_file(path("job.toml"), path("places.toml"));
  const Words plain = {"solve", "places.toml",
                       "--set", "files.test_population=job-out/make/test.h5",
                       "--set", "solver.initializer=zeros"};
  Words map = plain;
  map.insert(map.end(), {"--set", "map.points.file=two.npy"});
  const auto early = run(map);
  EXPECT_EQ(early.code, 2);
  EXPECT_NE(early.err.find("run 'otfleet solve' without map.points first"), std::string::npos)
      << early.err;
  ASSERT_EQ(run(plain).code, 0);
  const auto result = run(map);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("places-out/map/solution.h5: 30 problems"), std::string::npos)
      << result.out;
  EXPECT_TRUE(std::filesystem::exists(path("places-out/map/solution.png")));
}

TEST_F(PlanMaps, EveryCostThatHasMaps) {
  write_points("few.npy", {0.1, 0.2, 0.9, 0.4, 5, 5}, 2);
  for (const std::string cost : {"power", "elastic", "k_overlap"}) {
    write_cloud_population(path(cost + ".h5"), cloud_population(4, 20, count, true, cost));
    solve(cost);
    report_of("solve", cost + "-map", map_words(cost, "few.npy"), 2);
    for (const double coordinate : images(cost + "-map"))
      EXPECT_TRUE(std::isfinite(coordinate)) << cost;
  }
}

TEST_F(PlanMaps, NamesWhatIsWrong) {
  write_points("plane.npy", {0.1, 0.2}, 2);
  write_points("space.npy", {0.1, 0.2, 0.3}, 3);
  write_cloud_population(path("good.h5"), cloud_population(4, 20, count, true));
  write_cloud_population(path("other.h5"), cloud_population(4, 20, count, true, "power"));
  write_cloud_population(path("larger.h5"), cloud_population(4, 25, count, true));
  write_cloud_population(path("straight.h5"), cloud_population(4, 20, count, true, "euclidean"));
  solve("good");
  solve("straight");
  expect_refused(map_words("good", "space.npy"), {"space.npy: has points of 3 coordinates"});
  expect_refused(map_words("straight", "plane.npy"),
                 {"plans of the cost 'euclidean' make no map", "'elastic'"});
  const auto of = [&](const std::string& population) {
    return Words{"files.test_population=" + population, "files.solution=good/solution.h5",
                 "map.points.file=plane.npy"};
  };
  expect_refused(of("other.h5"), {"good/solution.h5: is of a population with another geometry"});
  expect_refused(of("larger.h5"), {"good/solution.h5: is of "});
  auto moved = cloud_population(4, 20, count, true);
  for (double& value : moved.sources.points) value *= 1.1;
  write_cloud_population(path("moved.h5"), moved);
  expect_refused(of("moved.h5"), {"good/solution.h5: is of other measures"});
  report_of(
      "solve", "bare",
      {"files.test_population=good.h5", "solver.initializer=zeros", "solution.potentials=false"});
  expect_refused({"files.test_population=good.h5", "files.solution=bare/solution.h5",
                  "map.points.file=plane.npy"},
                 {"bare/solution.h5: has no potentials"});
  expect_refused(
      {"files.test_population=good.h5", "files.solution=good.h5", "map.points.file=plane.npy"},
      {"good.h5: is no solution"});
  expect_refused({"problem=barycenter", "map.points.file=plane.npy"},
                 {"map.points needs problem = 'neural_dual' or 'linear'"});
}

}  // namespace
}  // namespace otfleet
