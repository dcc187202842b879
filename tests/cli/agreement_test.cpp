// What a job says of a population has to be what its file says, and masses what the solver takes.
#include "tests/cli/pipeline.hpp"
#include "tests/src/small_populations.hpp"

namespace otfleet {
namespace {

using testing::Words;

class Agreement : public testing::PipelineTest {
 protected:
  static Words on(const std::string& file, const Words& more = {}) {
    Words overrides = {"files.test_population=" + file, "files.train_population=" + file,
                       "solver.initializer=zeros"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return overrides;
  }

  /// One source and one target at distance 3, with this cost.
  static void write_pair(const std::string& name, const std::string& cost, double power = 1) {
    Population population;
    auto& geometry = population.geometry;
    geometry.kind = Geometry::Kind::points;
    geometry.ground_cost = parse_ground_cost("cost", cost, {{"power", power}});
    geometry.n = geometry.m = geometry.dimension = 1;
    geometry.source_points = {0};
    geometry.target_points = {3};
    population.shared_measures = false;
    population.source_measures = population.target_measures = 1;
    population.source_weights = population.target_weights = {1};
    population.source = population.target = {0};
    write_population(path(name), population);
  }
};

TEST_F(Agreement, TheCostIsThatOfThePopulation) {
  write_pair("euclidean.h5", "euclidean");
  write_pair("squared.h5", "squared_euclidean");
  write_pair("power.h5", "power", 3);
  for (const auto& [name, cost] :
       {std::pair{"euclidean", 3.0}, std::pair{"squared", 9.0}, std::pair{"power", 27.0}}) {
    report_of("solve", name, on(std::string(name) + ".h5"));
    EXPECT_NEAR(column(name, "transport_cost")[0], cost, 1e-12) << name;
  }
  report_of("solve", "said",
            on("euclidean.h5", {"problem.cost=euclidean", "problem.geometry=points"}));
  report_of("solve", "said", on("power.h5", {"problem.cost=power", "problem.power=3"}));
}

TEST_F(Agreement, AJobThatSaysOtherwiseIsRefused) {
  write_pair("squared.h5", "squared_euclidean");
  write_pair("power.h5", "power", 3);
  for (const char* command : {"solve", "evaluate", "train"})
    expect_refused(words(command, "refused", on("squared.h5", {"problem.cost=euclidean"})),
                   "problem.cost = 'euclidean' says otherwise than squared.h5",
                   "'squared_euclidean'", "leave the key out");
  expect_refused_on(2, words("solve", "refused", on("squared.h5", {"problem.geometry=grid"})),
                    "problem.geometry = 'grid' says otherwise than squared.h5", "'points'");
  expect_refused(words("solve", "refused", on("power.h5", {"problem.power=2"})),
                 "problem.power = 2 says otherwise than power.h5", "power 3");
  expect_refused(words("solve", "refused", on("squared.h5", {"problem.power=2"})),
                 "without a power");
  // The job file's own keys count as well.
  testing::write_bytes(path("euclidean.toml"),
                       "[problem]\ncost = \"euclidean\"\n"
                       "geometry = \"points\"\n");
  Words own = words("solve", "refused", on("squared.h5"));
  own[1] = "euclidean.toml";
  expect_refused(own, "problem.cost = 'euclidean' says otherwise");
}

TEST_F(Agreement, CloudsAreAGeometryOfTheirOwn) {
  write_cloud_population(path("clouds.h5"), testing::cloud_population(4, 12, 5, true));
  for (const char* shard : {"problems", "rows"}) {
    const std::string sharing = std::string("solver.shard=") + shard;
    expect_refused_on(
        2, words("solve", "refused", on("clouds.h5", {"problem.geometry=grid", sharing})),
        "problem.geometry = 'grid' says otherwise than clouds.h5", "'clouds'");
    expect_refused_on(
        2, words("solve", "refused", on("clouds.h5", {"problem.cost=euclidean", sharing})),
        "problem.cost = 'euclidean' says otherwise");
    report_of(
        "solve", std::string("clouds-") + shard,
        on("clouds.h5", {"problem.geometry=clouds", "problem.cost=squared_euclidean", sharing}), 2);
  }
  // An array [20, 12, 12] is then 20 measures of 12 points.
  ASSERT_EQ(run({"make", "job.toml", "--output", "made", "--set", "problem.geometry=clouds"}).code,
            0);
  const auto made = read_cloud_population(path("made/test.h5"));
  EXPECT_EQ(made.dimension, 12);
  EXPECT_EQ(made.sources.count(), 20);
  EXPECT_EQ(made.problems(), problems);
}

TEST_F(Agreement, MeasuresAreScaledToMassOneWhereAsked) {
  // The same problems with masses 1, and with masses 1, 2, 3, …
  auto population = testing::blob_population(8, 5, 6);
  write_population(path("ones.h5"), population);
  for (std::size_t i = 0; i < population.source_weights.size(); ++i)
    population.source_weights[i] *= static_cast<double>(1 + i / 64);
  write_population(path("masses.h5"), population);
  expect_refused(words("solve", "refused", on("masses.h5")), "pairs masses that differ",
                 "solver.normalize = true", "problem.tau_a", "problem.transported_share");
  const Words normalize = {"solver.normalize=true"};
  report_of("solve", "ones", on("ones.h5"));
  report_of("solve", "masses", on("masses.h5", normalize), 2);
  for (const char* name : {"transport_cost", "dual_value", "upper_bound", "lower_bound"}) {
    const auto expected = column("ones", name), found = column("masses", name);
    ASSERT_EQ(found.size(), 6u);
    for (std::size_t k = 0; k < 6; ++k) EXPECT_NEAR(found[k], expected[k], 1e-9) << name;
  }
  EXPECT_EQ(read_report("masses")["failed"], 0);
  // With masses that may differ, they are then those of one, too.
  report_of("solve", "relaxed",
            on("masses.h5", {"solver.normalize=true", "problem.tau_a=0.99", "problem.tau_b=0.99"}));
  report_of("solve", "relaxed-ones", on("ones.h5", {"problem.tau_a=0.99", "problem.tau_b=0.99"}));
  EXPECT_NEAR(column("relaxed", "transported_mass")[0],
              column("relaxed-ones", "transported_mass")[0], 1e-9);
  // train and evaluate read populations the same way.
  expect_refused(words("train", "refused", on("masses.h5")), "solver.normalize = true");
  report_of("train", "trained",
            on("masses.h5", {"solver.normalize=true", "train.steps=3", "train.log_every=1"}));
  report_of("evaluate", "compared",
            on("masses.h5", {"solver.normalize=true", "evaluate.initializers=[\"zeros\"]"}));
}

TEST_F(Agreement, CloudsAreScaledToMassOneWhereAsked) {
  auto clouds = testing::cloud_population(4, 30, 5, false);
  write_cloud_population(path("cloud-ones.h5"), clouds);
  for (double& weight : clouds.sources.weights) weight *= 7;
  write_cloud_population(path("cloud-masses.h5"), clouds);
  report_of("solve", "cloud-ones", on("cloud-ones.h5", {"solver.threshold=1e-8"}));
  for (const char* shard : {"problems", "rows"}) {
    const std::string sharing = std::string("solver.shard=") + shard;
    expect_refused_on(2, words("solve", "refused", on("cloud-masses.h5", {sharing})),
                      "cloud-masses.h5: problem 0 pairs masses that differ",
                      "solver.normalize = true");
    const auto output = std::string("cloud-masses-") + shard;
    report_of("solve", output,
              on("cloud-masses.h5", {sharing, "solver.normalize=true", "solver.threshold=1e-8"}),
              2);
    const auto expected = column("cloud-ones", "transport_cost"),
               found = column(output, "transport_cost");
    for (std::size_t k = 0; k < 5; ++k) EXPECT_NEAR(found[k], expected[k], 1e-7) << shard;
  }
}

TEST_F(Agreement, AZeroVectorUnderCosineIsNamed) {
  auto clouds = testing::cloud_population(3, 4, 2, false, "cosine");
  const auto at = static_cast<std::size_t>(2 * clouds.targets.offsets[1]);
  clouds.targets.points[at] = clouds.targets.points[at + 1] = 0;
  write_cloud_population(path("zero.h5"), clouds);
  for (const char* shard : {"problems", "rows"})
    expect_refused_on(
        2, words("solve", "refused", on("zero.h5", {std::string("solver.shard=") + shard})),
        "zero.h5: /measures/target_points measure 1 point 0 is the zero vector", "'cosine'");
}

}  // namespace
}  // namespace otfleet
