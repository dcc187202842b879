// Columns of solutions that are asked for, their table in CSV, and epsilon relative to the cost.
#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <sstream>

#include "tests/cli/pipeline.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using testing::count_of;
using testing::read_bytes;
using testing::Words;

class Values : public testing::PipelineTest {
 protected:
  static Words clouds(const Words& more = {}) {
    write_cloud_population(path("clouds.h5"), testing::cloud_population(5, 9, 6, true));
    Words overrides = {"files.test_population=clouds.h5", "solver.initializer=zeros"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return overrides;
  }
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_F(Values, OfSolutionsAsATable) {
  const Words wanted = {"solver.initializer=zeros", "solution.csv=true", "solution.divergence=true",
                        "solution.regularized=[\"ott\", \"geomloss\"]", "solution.plan=top_k"};
  const auto report = report_of("solve", "table", wanted, 2);
  const auto text = read_bytes(path("table") / "solution.csv");
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), std::size_t{problems} + 1);
  EXPECT_EQ(lines[0],
            "problem,status,source,target,divergence,dual_value,iterations,lower_bound,"
            "marginal_error,regularized_geomloss,regularized_ott,transport_cost,upper_bound,"
            "kept_mass");
  const auto population = read_population(path("job-out/make/test.h5"));
  const auto divergence = column("table", "divergence"), dual = column("table", "dual_value");
  for (int k = 0; k < problems; ++k) {
    std::istringstream row(lines[static_cast<std::size_t>(k) + 1]);
    double problem = 0, status = 0, source = 0, target = 0, first = 0, second = 0;
    char comma = 0;
    row >> problem >> comma >> status >> comma >> source >> comma >> target >> comma >> first >>
        comma >> second;
    EXPECT_EQ(problem, k);
    EXPECT_EQ(source, population.source[static_cast<std::size_t>(k)]);
    EXPECT_EQ(target, population.target[static_cast<std::size_t>(k)]);
    EXPECT_EQ(first, divergence[static_cast<std::size_t>(k)]);  // all digits
    EXPECT_EQ(second, dual[static_cast<std::size_t>(k)]);
    EXPECT_GT(first, 0);
  }
  const auto shown = run({"info", "--values", "table/solution.h5"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_EQ(shown.out, text);
  // The table is no part of what identifies a run, and alone asks for no column.
  report_of("solve", "plain", {"solver.initializer=zeros"});
  EXPECT_FALSE(std::filesystem::exists(path("plain") / "solution.csv"));
  EXPECT_EQ(lines_of(run({"info", "--values", "plain/solution.h5"}).out)[0],
            "problem,status,source,target,dual_value,iterations,lower_bound,marginal_error,"
            "transport_cost,upper_bound");
  for (const char* file : {"job-out/make/test.h5", "job-out/train/model.h5"}) {
    const auto refused = run({"info", "--values", file});
    EXPECT_EQ(refused.code, 2);
    EXPECT_NE(refused.err.find("not a solution"), std::string::npos) << refused.err;
  }
}

TEST_F(Values, AreTheSameOnAnyRanks) {
  const Words wanted = {"solver.initializer=zeros", "solution.divergence=true",
                        "solution.regularized=[\"ott\"]"};
  report_of("solve", "one", wanted, 1);
  report_of("solve", "three", wanted, 3);
  for (const char* name : {"divergence", "regularized_ott"})
    EXPECT_EQ(column("one", name), column("three", name));
  report_of("solve", "clouds-one", clouds({"solution.divergence=true"}), 1);
  report_of("solve", "clouds-two", clouds({"solution.divergence=true"}), 2);
  EXPECT_EQ(column("clouds-one", "divergence"), column("clouds-two", "divergence"));
}

TEST_F(Values, ThatThereAreNotAreRefused) {
  const Words divergence = {"solver.initializer=zeros", "solution.divergence=true"};
  const auto with = [&](const Words& more) {
    Words all = divergence;
    all.insert(all.end(), more.begin(), more.end());
    return words("solve", "refused", all);
  };
  expect_refused(with({"problem.tau_a=0.9"}), "solution.divergence needs problem.tau_a = ");
  expect_refused(with({"problem.transported_share=0.5"}), "solution.divergence needs");
  expect_refused(
      words("solve", "refused",
            {"solver.initializer=zeros", "problem.tau_a=0.9", "solution.regularized=[\"ott\"]"}),
      "solution.regularized is for balanced problems");
  expect_refused(with({"solution.regularized=[\"pot\"]"}), "solution.regularized",
                 "must be one of 'ott', 'geomloss'");
  auto population = testing::dense_population(4, 5, 2, 2);
  population.geometry.ground_cost.reset();
  write_population(path("matrix.h5"), population);
  expect_refused(with({"files.test_population=matrix.h5"}), "solution.divergence: a cost matrix",
                 "matrix.h5");
  expect_refused(
      words("solve", "refused", clouds({"solution.divergence=true", "solver.shard=rows"})),
      "solver.shard = 'rows' has no solution.divergence");
}

TEST_F(Values, EpsilonIsAMultipleOfTheCost) {
  // On 12 x 12 points of the unit square: mean 2 · 2 · Var, largest 2.
  double variance = 0;
  for (int i = 0; i < 12; ++i) variance += std::pow(i / 11.0 - 0.5, 2) / 12;
  for (const auto& [unit, statistic] : {std::pair{"mean", 4 * variance}, {"max", 2.0}}) {
    const auto set = std::string("problem.epsilon_relative=") + unit;
    const auto output = std::string("relative-") + unit;
    const auto result =
        run(words("solve", output, {"solver.initializer=zeros", "problem.epsilon=0.1", set}), 2);
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(count_of(result.err, std::string("0.1 times the ") + unit + " of the cost"), 1u)
        << result.err;
    const auto report = read_report(output);
    EXPECT_NEAR(report["configuration"]["problem"]["epsilon"].get<double>(), 0.1 * statistic,
                1e-12);
    EXPECT_EQ(report["epsilon"]["relative"], 0.1);
    EXPECT_EQ(report["epsilon"]["to"], unit);
    EXPECT_NEAR(report["epsilon"]["of_cost"].get<double>(), statistic, 1e-12);
    // As with that number.
    const double absolute = report["epsilon"]["absolute"];
    const auto file = distributed::Hdf5File::open(path(output) / "solution.h5");
    EXPECT_EQ(file.number_attribute("/solution", "epsilon"), absolute);
    report_of("solve", output + "-absolute",
              {"solver.initializer=zeros", fmt::format("problem.epsilon={}", absolute)});
    EXPECT_EQ(column(output, "f"), column(output + "-absolute", "f"));
    EXPECT_FALSE(read_report(output + "-absolute").contains("epsilon"));
  }
}

TEST_F(Values, WithoutAnEpsilonAnyUnitsWillDo) {
  testing::write_bytes(path("silent.toml"), "[solver]\ninitializer = \"zeros\"\n");
  auto population = testing::dense_population(20, 15, 3, 4);
  auto& geometry = population.geometry;
  geometry.kind = Geometry::Kind::points;
  geometry.cost.clear();
  std::vector<double> costs;
  for (const double unit : {1.0, 255.0, 1e5}) {
    auto scaled = population;
    for (auto* points : {&scaled.geometry.source_points, &scaled.geometry.target_points})
      for (double& x : *points) x *= unit;
    write_population(path("units.h5"), scaled);
    const auto result = run(
        {"solve", "silent.toml", "--output", "units", "--set", "files.test_population=units.h5"});
    ASSERT_EQ(result.code, 0) << result.err;
    const auto report = read_report("units");
    EXPECT_EQ(report["converged"], 4);
    EXPECT_EQ(report["epsilon"]["to"], "mean");
    costs.push_back(column("units", "transport_cost")[0] / (unit * unit));
  }
  EXPECT_NEAR(costs[1], costs[0], 1e-9);
  EXPECT_NEAR(costs[2], costs[0], 1e-9);
}

TEST_F(Values, OfEpsilonForCloudsAreThoseOfAnyRanksAndShares) {
  testing::write_bytes(path("silent.toml"), "[solver]\ninitializer = \"zeros\"\n");
  clouds();
  std::vector<double> found;
  for (const int ranks : {1, 2})
    for (const char* shard : {"rows", "problems"}) {
      const auto result =
          run({"solve", "silent.toml", "--output", "cloud-units", "--set",
               "files.test_population=clouds.h5", "--set", std::string("solver.shard=") + shard},
              ranks);
      ASSERT_EQ(result.code, 0) << result.err;
      found.push_back(read_report("cloud-units")["epsilon"]["absolute"]);
    }
  EXPECT_EQ(found, std::vector<double>(4, found[0]));
}

TEST_F(Values, OfATrainedModelFitTheSameRelativeEpsilon) {
  const Words relative = {"problem.epsilon=0.06", "problem.epsilon_relative=mean",
                          "train.steps=20"};
  ASSERT_EQ(run(words("train", "relative-train", relative)).code, 0);
  auto solve = relative;
  solve.push_back("files.checkpoint=relative-train/model.h5");
  const auto result = run(words("solve", "relative-model", solve));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(count_of(result.err, "was trained at epsilon"), 0u) << result.err;
}

TEST_F(Values, ACostThatIsNoUnitIsRefused) {
  auto population = testing::dense_population(3, 3, 2, 2);
  population.geometry.ground_cost.reset();
  for (double& c : population.geometry.cost) c -= 100;
  write_population(path("negative.h5"), population);
  const Words overrides = {"solver.initializer=zeros", "files.test_population=negative.h5",
                           "problem.epsilon_relative=mean"};
  expect_refused(words("solve", "refused", overrides), "negative.h5: the mean of the cost is -",
                 "problem.epsilon_relative = 'none'");
  auto spread = overrides;
  spread.back() = "problem.epsilon_relative=std";
  EXPECT_EQ(report_of("solve", "spread", spread)["converged"], 2);
}

TEST_F(Values, ChosenPairsAreMadeAndSolved) {
  testing::write_bytes(
      path("pairs.npy"),
      testing::npy(testing::npy_header("<i8", "(3, 2)"),
                   testing::bytes_of(std::vector<std::int64_t>{4, 1, 0, 0, 4, 1})));
  const auto made = [&](const std::string& output, const Words& overrides) {
    Words command = {"make", "job.toml", "--output", output};
    for (const auto& one : overrides) command.insert(command.end(), {"--set", one});
    const auto result = run(command);
    EXPECT_EQ(result.code, 0) << result.err;
    return read_population(path(output) / "test.h5");
  };
  const auto chosen = made("chosen", {"make.pairs.file=pairs.npy"});
  EXPECT_EQ(chosen.source, (std::vector<std::int32_t>{4, 0, 4}));
  EXPECT_EQ(chosen.target, (std::vector<std::int32_t>{1, 0, 1}));
  EXPECT_EQ(made("all", {"make.pairs=all"}).problems(), 20 * 19 / 2);
  const auto one = made("one", {"make.pairs=one_to_all", "make.pairs.one=3"});
  EXPECT_EQ(one.problems(), 19);
  EXPECT_EQ(one.source, std::vector<std::int32_t>(19, 3));
  expect_refused({"make", "job.toml", "--output", "refused", "--set", "make.pairs=pairs.npy"},
                 "make.pairs", "must be one of 'random', 'one_to_one', 'one_to_all', 'all'");
}

}  // namespace
}  // namespace otfleet
