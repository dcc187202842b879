// Populations in which every measure has points of its own.
#include "tests/cli/pipeline.hpp"
#include "tests/src/small_populations.hpp"
#include "tests/src/write_arrays.hpp"
#include "tests/src/write_png.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::cloud_population;
using testing::Words;
using Offsets = std::vector<std::int64_t>;

class Clouds : public testing::PipelineTest {
 protected:
  static constexpr int count = 25;

  /// Two files, with measures for both sides and for each, and the overrides that solve one.
  static Words clouds(const std::string& name, const Words& more = {}) {
    if (!std::filesystem::exists(path("own.h5"))) {
      write_cloud_population(path("shared.h5"), cloud_population(9, 40, count, true));
      write_cloud_population(path("own.h5"), cloud_population(9, 40, count, false, "power"));
    }
    Words overrides = {"files.test_population=" + name, "files.train_population=" + name,
                       "solver.initializer=zeros"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return overrides;
  }

  static void expect_same_files(const std::string& one, const std::string& other) {
    const auto left = Hdf5File::open(path(one) / "solution.h5");
    const auto right = Hdf5File::open(path(other) / "solution.h5");
    EXPECT_EQ(left.children("/solution"), right.children("/solution"));
    for (const auto& name : left.children("/solution")) {
      const auto dataset = "/solution/" + name;
      EXPECT_EQ(left.info(dataset).shape, right.info(dataset).shape) << name;
      // As text, since a projection is NaN where there is no weight.
      const auto a = left.read<double>(dataset), b = right.read<double>(dataset);
      for (std::size_t i = 0; i < a.size(); ++i)
        EXPECT_TRUE(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) << name << " " << i;
    }
  }
};

TEST_F(Clouds, SolvedOnRanks) {
  for (const std::string name : {"shared", "own"}) {
    const auto overrides = clouds(name + ".h5", {"solution.projection=true"});
    const auto report = report_of("solve", name + "1", overrides, 1);
    expect_common(report, "solve", 1);
    EXPECT_EQ(report["instances"], count);
    EXPECT_EQ(report["converged"], count);
    EXPECT_EQ(report["method"]["chosen"], "sinkhorn");
    EXPECT_EQ(report["method"]["sinkhorn"], count);
    EXPECT_LT(report["max_marginal_error"].get<double>(), 1e-3);
    EXPECT_GE(report["max_relative_gap"].get<double>(), 0);
    report_of("solve", name + "2", overrides, 2);
    expect_same_files(name + "1", name + "2");

    const auto population = read_cloud_population(path(name + ".h5"));
    const auto file = Hdf5File::open(path(name + "1") / "solution.h5");
    Offsets f_offsets = {0}, g_offsets = {0};
    for (int k = 0; k < count; ++k) {
      f_offsets.push_back(f_offsets.back() + population.source_points(k));
      g_offsets.push_back(g_offsets.back() + population.target_points(k));
    }
    EXPECT_EQ(file.read<std::int64_t>("/solution/f_offsets"), f_offsets);
    EXPECT_EQ(file.read<std::int64_t>("/solution/g_offsets"), g_offsets);
    EXPECT_EQ(file.info("/solution/f").shape, Offsets{f_offsets.back()});
    EXPECT_EQ(file.info("/solution/g").shape, Offsets{g_offsets.back()});
    EXPECT_EQ(file.info("/solution/projection").shape, (Offsets{f_offsets.back(), 2}));
    EXPECT_EQ(file.string_attribute("/solution", "geometry"), population.fingerprint());
  }
}

TEST_F(Clouds, FewerOutputsAndInfo) {
  const auto report = report_of(
      "solve", "in-float",
      clouds("own.h5",
             {"solver.precision=float", "solution.potentials=false", "solver.acceleration=none"}),
      3);
  EXPECT_EQ(report["converged"], count);
  const auto file = Hdf5File::open(path("in-float") / "solution.h5");
  for (const char* name : {"f", "g", "f_offsets", "g_offsets", "projection"})
    EXPECT_FALSE(file.has(std::string("/solution/") + name)) << name;

  report_of("solve", "in-double", clouds("own.h5"), 1);
  const auto one = column("in-double", "dual_value"), other = column("in-float", "dual_value");
  for (std::size_t k = 0; k < one.size(); ++k) EXPECT_NEAR(one[k], other[k], 1e-3);
  const auto population = run({"info", "own.h5"});
  for (const char* part :
       {"own.h5: population", "geometry: clouds, cost power, 2 coordinates",
        "source measures: 9, points of a measure: ", "target measures: 10, points of a measure: ",
        " at least, ", " in the median, ", " at most", "problems: 25"})
    EXPECT_NE(population.out.find(part), std::string::npos) << population.out;
  const auto solution = run({"info", "in-double/solution.h5"});
  for (const char* part :
       {"status 0 (converged): 25", "source points of a problem: ", "target points of a problem: "})
    EXPECT_NE(solution.out.find(part), std::string::npos) << solution.out;
}

TEST_F(Clouds, PlansAndStartsAreTheSameOnAnyNumberOfRanks) {
  const auto file_of = [](const std::string& folder) {
    return Hdf5File::open(path(folder) / "solution.h5");
  };
  const auto population = cloud_population(5, 9, 12, true);
  write_cloud_population(path("planned.h5"), population);
  const Words settings = {"solution.plan=top_k", "solution.top_k=2", "solver.initializer=gaussian"};
  for (const int ranks : {1, 3}) {
    const auto report = report_of("solve", "planned-" + std::to_string(ranks),
                                  clouds("planned.h5", settings), ranks);
    EXPECT_EQ(report["converged"], 12);
  }
  const auto one = file_of("planned-1"), three = file_of("planned-3");
  Offsets rows = {0};
  for (std::int64_t k = 0; k < 12; ++k)
    rows.push_back(rows.back() + population.source_points(k) + 1);
  EXPECT_EQ(one.read<std::int64_t>("/plan/row_offsets"), rows);
  const auto offsets = one.read<std::int64_t>("/plan/offsets");
  EXPECT_EQ(static_cast<std::int64_t>(offsets.size()), rows.back());
  EXPECT_EQ(offsets.back(), one.info("/plan/values").shape.front());
  EXPECT_EQ(three.read<std::int64_t>("/plan/offsets"), offsets);
  EXPECT_EQ(three.read<double>("/plan/values"), one.read<double>("/plan/values"));
  EXPECT_EQ(three.read<std::int32_t>("/plan/columns"), one.read<std::int32_t>("/plan/columns"));
  EXPECT_EQ(three.read<double>("/solution/f"), one.read<double>("/solution/f"));
}

TEST_F(Clouds, EvaluateComparesStarts) {
  write_cloud_population(path("compared.h5"), cloud_population(5, 20, 6, true));
  const auto report =
      report_of("evaluate", "compared",
                clouds("compared.h5",
                       {"evaluate.initializers=[\"zeros\", \"gaussian\", \"gaussian_mixture\", "
                        "\"subsample\", \"previous_epsilon\"]",
                        "evaluate.thresholds=[1e-3]"}),
                2);
  EXPECT_EQ(report["problems"], 6);
  for (const char* start :
       {"zeros", "gaussian", "gaussian_mixture", "subsample", "previous_epsilon"})
    EXPECT_TRUE(report["error_curves"].contains(start)) << start;
}

/// Trained on two ranks, and used by solve and evaluate on one to three.
TEST_F(Clouds, ModelsLearnAndPredict) {
  const Words learn = clouds("own.h5", {"train.steps=60", "train.batch=8", "model.hidden=[16]",
                                        "model.architecture=mlp", "model.nodes=8"});
  const auto trained = report_of("train", "learned", learn, 2);
  EXPECT_EQ(trained["steps"], 60);
  const std::string model = "files.checkpoint=" + path("learned").string() + "/model.h5";
  Words use = learn;
  use.insert(use.end(), {model, "solver.initializer=model"});
  for (const int ranks : {1, 3}) {
    const auto report = report_of("solve", "predicted" + std::to_string(ranks), use, ranks);
    EXPECT_EQ(report["instances"], count);
    EXPECT_EQ(report["converged"], count);
  }
  use.insert(use.end(), {"evaluate.thresholds=[1e-3]", "fine_tune.steps=3", "fine_tune.batch=4"});
  const auto report = report_of("evaluate", "predicted-evaluate", use, 2);
  EXPECT_TRUE(report["error_curves"].contains("model"));

  // A model for points that all share is another one, and four dimensions have none.
  auto four = cloud_population(9, 40, 5, false);
  four.dimension = 4;
  for (auto* table : {&four.sources, &four.targets}) {
    auto points = table->points;
    table->points.insert(table->points.end(), points.begin(), points.end());
  }
  write_cloud_population(path("four.h5"), four);
  Words other = use;
  other.push_back("files.test_population=four.h5");
  other.push_back("files.train_population=four.h5");
  expect_refused_on(2, words("solve", "refused", other), "needs points of 1 to 3 dimensions",
                    "four.h5");
  expect_refused_on(2, words("train", "refused", other), "needs points of 1 to 3 dimensions",
                    "four.h5");
}

/// Images are clouds of their dark pixels where make.grid says what an image is.
TEST_F(Clouds, MadeOfImages) {
  const std::string pixels("\0\1\2\3\0\0\1\0\0\0\0\4\1\1\1\1\1\1", 18);
  testing::write_bytes(path("images.npy"),
                       testing::npy(testing::npy_header("|u1", "(3, 2, 3)"), pixels));
  const auto images = path("images.npy").string();
  const Words job = {"data.test.file=" + images, "data.train.file=" + images,
                     "make.grid=[2,3]",          "problem.geometry=clouds",
                     "make.train_problems=3",    "make.test_problems=3"};
  const auto report = report_of("make", "images", job);
  EXPECT_EQ(report["test"]["measures"], 3);
  const auto made = read_cloud_population(path("images") / "test.h5");
  EXPECT_EQ(made.sources.offsets, (Offsets{0, 3, 5, 11}));
  EXPECT_EQ((std::vector<double>(made.sources.points.begin(), made.sources.points.begin() + 6)),
            (std::vector<double>{0, 0.5, 0, 1, 0.5, 0}));
  EXPECT_EQ(made.sources.weights[2], 0.5);
  Words wrong = job;
  wrong[2] = "make.grid=[2,4]";
  expect_refused(words("make", "refused", wrong), "images.npy", "make.grid = [2, 4]");
}

/// Images are clouds of their colors where make.pixels says how many.
TEST_F(Clouds, MadeOfColors) {
  std::filesystem::create_directory(path("paintings"));
  for (int k = 0; k < 4; ++k) {
    std::vector<std::uint8_t> colors(3 * 12 * 10);
    for (std::size_t i = 0; i < colors.size(); ++i)
      colors[i] = static_cast<std::uint8_t>(i * static_cast<std::size_t>(k + 3) % 256);
    testing::write_png(path("paintings") / (std::string(1, static_cast<char>('d' - k)) + ".png"),
                       12, 10, colors, PNG_FORMAT_RGB);
  }
  const Words job = {"data.test.file=" + path("paintings").string(),
                     "data.train.file=", "problem.geometry=clouds", "make.pixels=100",
                     "make.pairs=all"};
  const auto report = report_of("make", "colors", job);
  EXPECT_EQ(report["test"]["measures"], 4);
  EXPECT_EQ(report["test"]["measure_points"], 400);
  EXPECT_EQ(report["test"]["dimension"], 3);
  const auto info = run({"info", "colors/test.h5"});
  for (const char* part :
       {"/measures/names                  [4]                  string\n",
        "measures: 4, points of a measure: 100", "\nnames: a.png, b.png, c.png and 1 more\n",
        "3 coordinates", "problems: 6"})
    EXPECT_NE(info.out.find(part), std::string::npos) << part << " in:\n" << info.out;
  const auto solved =
      report_of("solve", "matched", clouds("colors/test.h5", {"problem.geometry=clouds"}), 2);
  EXPECT_EQ(solved["converged"], 6);
  Words wrong = job;
  wrong[2] = "problem.geometry=grid";
  expect_refused(words("make", "refused", wrong), "make.pixels = 100",
                 "needs problem.geometry = 'clouds'");
  testing::write_bytes(path("paintings") / "e.jpg", "no image");
  expect_refused(words("make", "refused", job),
                 "paintings/e.jpg: is neither a PNG nor a JPEG image");
}

TEST_F(Clouds, WhatNeedsSharedPointsIsRefusedByName) {
  const auto refused = [](const std::string& key, const std::string& value, int ranks = 1) {
    expect_refused_on(ranks, words("solve", "refused", clouds("own.h5", {key + "=" + value})),
                      key + " = '" + value + "' needs points that all problems share", "own.h5");
  };
  refused("solver.method", "newton");
  for (const char* what : {"solution.plan=top_k", "solver.initializer=subsample"})
    expect_refused(words("solve", "refused", clouds("own.h5", {what, "solver.shard=rows"})),
                   "solver.shard = 'rows'", "use 'problems'");
  expect_refused(
      words("solve", "refused", clouds("own.h5", {"problem.tau_a=0.9", "solver.precision=float"})),
      "solver.precision = 'float' is for balanced problems");
  expect_refused(words("train", "refused", clouds("own.h5", {"model.pooling=2"})), "own.h5",
                 "model.pooling = 2 needs weights on a grid");
  auto population = cloud_population(3, 5, 2, true, "great_circle");
  write_cloud_population(path("off-the-sphere.h5"), population);
  expect_refused(words("solve", "refused", clouds("off-the-sphere.h5")),
                 "off-the-sphere.h5: /measures/points measure 0 point 0 has the length",
                 "'great_circle' takes unit vectors");
}

TEST_F(Clouds, NoProblemsAndMoreRanksThanProblems) {
  auto population = cloud_population(3, 5, 2, true);
  write_cloud_population(path("two.h5"), population);
  EXPECT_EQ(report_of("solve", "two", clouds("two.h5"), 3)["converged"], 2);
  population.source.clear();
  population.target.clear();
  write_cloud_population(path("none-of-them.h5"), population);
  EXPECT_EQ(report_of("solve", "none-of-them", clouds("none-of-them.h5"), 2)["instances"], 0);
  EXPECT_EQ(column<std::int64_t>("none-of-them", "f_offsets"), Offsets{0});
}

TEST_F(Clouds, RowsOfEveryProblemOnRanks) {
  const Words settings = {"solver.threshold=1e-6", "solution.projection=true"};
  const auto with = [&](const std::string& shard) {
    Words overrides = clouds("own.h5", settings);
    overrides.push_back("solver.shard=" + shard);
    return overrides;
  };
  const auto alone = report_of("solve", "by-problems", with("problems"), 2);
  EXPECT_EQ(alone["shard"]["chosen"], "problems");
  for (const int ranks : {1, 3}) {
    const std::string name = "by-rows" + std::to_string(ranks);
    const auto report = report_of("solve", name, with("rows"), ranks);
    expect_common(report, "solve", ranks);
    EXPECT_EQ(report["shard"]["chosen"], "rows");
    for (const auto& [key, value] : alone.items()) EXPECT_TRUE(report.contains(key)) << key;
    for (const char* key : {"instances", "converged", "failed", "mean_iterations", "method"})
      EXPECT_EQ(report[key], alone[key]) << key;
    EXPECT_NEAR(report["max_marginal_error"].get<double>(),
                alone["max_marginal_error"].get<double>(), 1e-10);
    const auto left = Hdf5File::open(path("by-problems") / "solution.h5");
    const auto right = Hdf5File::open(path(name) / "solution.h5");
    EXPECT_EQ(left.children("/solution"), right.children("/solution"));
    EXPECT_EQ(left.attributes("/solution"), right.attributes("/solution"));
    for (const auto& dataset : left.children("/solution")) {
      const auto a = left.read<double>("/solution/" + dataset);
      const auto b = right.read<double>("/solution/" + dataset);
      ASSERT_EQ(a.size(), b.size()) << dataset;
      for (std::size_t i = 0; i < a.size(); ++i)
        EXPECT_TRUE(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])) ||
                    std::abs(a[i] - b[i]) < 1e-10)
            << dataset << " " << i;
    }
    const auto info = run({"info", name + "/solution.h5"});
    EXPECT_NE(info.out.find("status 0 (converged): 25"), std::string::npos) << info.out;
  }
}

TEST_F(Clouds, MarginalsThatNeedNotBeExact) {
  const auto solve = [&](const std::string& name, int ranks, const Words& more) {
    Words settings = {"solver.threshold=1e-8"};
    settings.insert(settings.end(), more.begin(), more.end());
    const auto report = report_of("solve", name, clouds("own.h5", settings), ranks);
    EXPECT_EQ(report["converged"], count) << name;
    EXPECT_EQ(report["method"]["chosen"], "block ascent");
    EXPECT_LT(report["max_residual"].get<double>(), 1e-8);
    return report;
  };
  for (const Words& kind :
       {Words{"problem.tau_a=0.9", "problem.tau_b=0.7"}, Words{"problem.transported_share=0.6"}}) {
    const std::string name = "free-" + kind.front().substr(8, 3);
    solve(name, 1, kind);
    for (const int ranks : {2, 3}) {
      const std::string other = name + std::to_string(ranks);
      solve(other, ranks, kind);
      expect_same_files(name, other);
    }
    const auto whole = column(name, "dual_value"), primal = column(name, "primal_value");
    Words by_rows = kind, started = kind;
    by_rows.push_back("solver.shard=rows");
    started.push_back("solver.initializer=subsample");
    solve(name + "-rows", 2, by_rows);
    solve(name + "-started", 1, started);
    for (const char* other : {"-rows", "-started"}) {
      const auto values = column(name + other, "dual_value");
      for (std::size_t k = 0; k < whole.size(); ++k) {
        EXPECT_NEAR(values[k], whole[k], 1e-7) << other << " " << k;
        EXPECT_LE(whole[k], primal[k] + 1e-7);
      }
    }
    const auto info = run({"info", name + "/solution.h5"});
    EXPECT_NE(info.out.find("status 0 (converged): 25"), std::string::npos) << info.out;
  }
}

/// As large as one rank does in seconds.
TEST_F(Clouds, TwentyThousandPointsRowByRow) {
  write_cloud_population(path("20000.h5"), testing::large_problem(20000, 3));
  const Words settings = {"solver.max_iterations=2", "solver.method=sinkhorn"};
  const auto one = report_of("solve", "20000-1", clouds("20000.h5", settings), 1);
  EXPECT_EQ(one["shard"]["chosen"], "problems");
  const auto two = report_of("solve", "20000-2", clouds("20000.h5", settings), 2);
  EXPECT_EQ(two["shard"]["chosen"], "rows");
  for (const char* name : {"f", "g", "dual_value", "transport_cost", "upper_bound", "lower_bound",
                           "marginal_error", "iterations"}) {
    const auto a = column("20000-1", name), b = column("20000-2", name);
    ASSERT_EQ(a.size(), b.size()) << name;
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-10) << name << " " << i;
  }
}

TEST_F(Clouds, LargeOnesAreSolvedCoarseToFine) {
  write_cloud_population(path("coarse.h5"), testing::large_problem(6000, 3));
  const auto settings = [](const Words& more) { return clouds("coarse.h5", more); };
  const auto plain = report_of("solve", "coarse-plain", settings({"solver.method=sinkhorn"}), 1);
  EXPECT_EQ(plain["method"]["chosen"], "sinkhorn");
  EXPECT_EQ(column("coarse-plain", "left_out")[0], 0);
  for (const int ranks : {1, 2, 3}) {
    const auto name = "coarse-" + std::to_string(ranks);
    const auto report = report_of("solve", name, settings({}), ranks);
    EXPECT_EQ(report["method"]["chosen"], "multiscale");
    EXPECT_EQ(report["method"]["multiscale"], 1);
    EXPECT_NE(report["method"]["reason"].get<std::string>().find("large enough to be coarsened"),
              std::string::npos);
    EXPECT_EQ(report["converged"], 1);
    EXPECT_LE(report["max_marginal_error"].get<double>(), 1e-3);
    EXPECT_GT(column(name, "left_out")[0], 0);
    EXPECT_LE(column(name, "left_out")[0], 1e-3 / 64);
    EXPECT_NEAR(column(name, "dual_value")[0], column("coarse-plain", "dual_value")[0], 1e-5);
    EXPECT_LE(column(name, "lower_bound")[0], column("coarse-plain", "upper_bound")[0]);
    // Sums over the weights of several ranks are rounded: the last digits of weights.
    for (const char* values : {"f", "g", "dual_value", "transport_cost", "upper_bound",
                               "lower_bound", "marginal_error", "left_out", "iterations"}) {
      const auto a = column("coarse-1", values), b = column(name, values);
      ASSERT_EQ(a.size(), b.size()) << values;
      for (std::size_t i = 0; i < a.size(); ++i)
        ASSERT_NEAR(a[i], b[i], 1e-10) << values << " " << i;
    }
  }
  const auto info = run({"info", "coarse-1/solution.h5"});
  EXPECT_EQ(info.code, 0) << info.err;
}

TEST_F(Clouds, WhatCannotBeCoarsenedIsRefused) {
  write_cloud_population(path("four.h5"), testing::large_problem(30, 4));
  const Words coarse = {"solver.method=multiscale"};
  for (const int ranks : {1, 2})
    for (const char* shard : {"solver.shard=rows", "solver.shard=problems"}) {
      auto settings = coarse;
      settings.emplace_back(shard);
      expect_refused_on(ranks, words("solve", "refused", clouds("four.h5", settings)),
                        "solver.method = 'multiscale': it takes points of at most 3 coordinates, "
                        "these have 4; use 'sinkhorn'");
    }
  expect_refused(
      words("solve", "refused", {"solver.initializer=zeros", "solver.method=multiscale"}),
      "solver.method = 'multiscale': it needs measures that each have points of their "
      "own; use 'sinkhorn'");
  expect_refused(words("solve", "refused", {"solver.method=multi"}), "solver.method");
  // Small ones are solved, if that is asked for.
  EXPECT_EQ(report_of("solve", "small-coarse", clouds("own.h5", coarse), 2)["converged"], count);
  auto unbalanced = coarse;
  unbalanced.emplace_back("problem.tau_a=0.9");
  expect_refused(words("solve", "refused", clouds("own.h5", unbalanced)),
                 "solver.method = 'multiscale' is for balanced problems");
}

TEST_F(Clouds, ShardIsChosenByWork) {
  auto population = testing::large_problem(1500, 2);
  write_cloud_population(path("one-large.h5"), population);
  const auto overrides = clouds("one-large.h5", {"solver.max_iterations=3"});
  const auto one = report_of("solve", "one-large1", overrides, 1);
  EXPECT_EQ(one["shard"]["chosen"], "problems");
  EXPECT_EQ(one["shard"]["reason"], "there is one rank");
  const auto two = report_of("solve", "one-large2", overrides, 2);
  EXPECT_EQ(two["shard"]["chosen"], "rows");
  EXPECT_NE(two["shard"]["reason"].get<std::string>().find("1 problem on 2 ranks"),
            std::string::npos);
  const auto a = column("one-large1", "f"), b = column("one-large2", "f");
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-10);
  population.source = population.target = {0, 0};
  write_cloud_population(path("two-large.h5"), population);
  const auto equal = clouds("two-large.h5", {"solver.max_iterations=0"});
  EXPECT_EQ(report_of("solve", "two-large", equal, 2)["shard"]["chosen"], "problems");

  // Measures that share their points.
  write_population(path("points.h5"),
                   testing::points_population(1500, 1400, 1, 1, "squared_euclidean"));
  const auto points = clouds(
      "points.h5", {"solver.max_iterations=3", "solution.projection=true", "solver.memory_mib=0"});
  EXPECT_EQ(report_of("solve", "points1", points, 1)["shard"]["chosen"], "problems");
  EXPECT_EQ(report_of("solve", "points2", points, 2)["shard"]["chosen"], "rows");
  for (const char* name : {"f", "g", "projection", "dual_value", "marginal_error"}) {
    const auto by_one = column("points1", name), by_two = column("points2", name);
    ASSERT_EQ(by_one.size(), by_two.size());
    for (std::size_t i = 0; i < by_one.size(); ++i)  // no weight: -inf, and no projection
      if (std::isfinite(by_one[i]))
        EXPECT_NEAR(by_one[i], by_two[i], 1e-10);
      else
        EXPECT_FALSE(std::isfinite(by_two[i]));
  }
  const auto entries = clouds("points.h5", {"solver.max_iterations=3", "solution.plan=top_k"});
  EXPECT_EQ(report_of("solve", "points-plan", entries, 2)["shard"]["chosen"], "problems");
  expect_refused_on(
      2,
      words("solve", "refused", clouds("points.h5", {"solver.shard=rows", "solver.method=newton"})),
      "solver.shard = 'rows' needs a population of points", "solver.method = 'auto'");

  expect_refused_on(2, words("solve", "refused", {"solver.shard=rows"}),
                    "solver.shard = 'rows' needs a population of points", "test.h5");
  expect_refused(words("solve", "refused", {"solver.shard=columns"}), "solver.shard",
                 "must be one of 'auto', 'problems', 'rows'");
  auto faulty = population;
  faulty.targets.weights[1400] = -1;
  write_cloud_population(path("faulty.h5"), faulty);
  expect_refused_on(2, words("solve", "refused", clouds("faulty.h5", {"solver.shard=rows"})),
                    "/measures/target_weights measure 0 has a negative weight (-1 at point 1400)");
}

}  // namespace
}  // namespace otfleet
