// problem = "conditional_map": train, evaluate and solve, as a user runs them.
#include <chrono>
#include <thread>

#include "src/data/color_image.hpp"
#include "tests/cli/pipeline.hpp"
#include "tests/src/conditional_populations.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::read_bytes;
using testing::shifted_gaussians;
using testing::StartedProgram;
using testing::Words;
using testing::words_on_ranks;
using testing::write_bytes;

/// Small populations, a job, and what train made of it.
class ConditionalMaps : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<testing::TemporaryFolder>();
    std::filesystem::create_directories(path("maps-out/make"));
    write_cloud_population(path("maps-out/make/train.h5"),
                           shifted_gaussians({0, 0.2, 0.4, 0.6, 0.8, 1}, 300, 1));
    write_cloud_population(path("maps-out/make/test.h5"),
                           shifted_gaussians({0.1, 0.3, 0.5, 0.7, 0.9}, 200, 2));
    auto bare = shifted_gaussians({0.1, 0.3}, 20, 3);
    bare.contexts = {};
    bare.images.clear();
    write_cloud_population(path("bare.h5"), bare);
    auto wide = shifted_gaussians({0.1, 0.3}, 20, 3);
    wide.contexts = {2, {1, 2, 3, 4}};
    write_cloud_population(path("wide.h5"), wide);
    write_bytes(path("maps.toml"),
                "problem = \"conditional_map\"\n"
                "[model]\nhidden = [32, 32]\npredictor_hidden = [32]\ncontext_hidden = [16, 16]\n"
                "[train]\nsteps = 300\nbatch = 4\npoints = 128\nlog_every = 100\n"
                "[evaluate]\npoints = 100\n");
    const auto result = run({"train", "maps.toml"}, 2);
    ASSERT_EQ(result.code, 0) << result.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::filesystem::path path(const std::string& name) { return *folder_ / name; }

  static testing::ProgramResult run(const Words& words, int ranks = 1) {
    return ranks == 1 ? testing::run_otfleet(words, folder_->path())
                      : testing::run_otfleet_on_ranks(ranks, words, folder_->path());
  }

  /// COMMAND maps.toml --output OUTPUT --set …, with the suite's files.
  static Words words(const std::string& command, const std::string& output,
                     const Words& overrides = {}) {
    Words all = {command,    "maps.toml",
                 "--output", output,
                 "--set",    "files.train_population=maps-out/make/train.h5",
                 "--set",    "files.test_population=maps-out/make/test.h5"};
    if (command != "train")
      all.insert(all.end(), {"--set", "files.checkpoint=maps-out/train/model.h5"});
    for (const auto& one : overrides) all.insert(all.end(), {"--set", one});
    return all;
  }

  static nlohmann::json report(const std::string& folder) {
    return nlohmann::json::parse(read_bytes(path(folder + "/report.json")));
  }

  static void expect_refused(const Words& words, const Words& parts) {
    const auto result = run(words);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_EQ(testing::count_of(result.err, "\n"), 1u) << result.err;
    for (const auto& part : parts)
      EXPECT_NE(result.err.find(part), std::string::npos) << part << " in " << result.err;
  }

  static inline std::unique_ptr<testing::TemporaryFolder> folder_;
};

TEST_F(ConditionalMaps, TrainingIsReported) {
  const auto figures = report("maps-out/train");
  EXPECT_EQ(figures["steps"], 300);
  EXPECT_EQ(figures["problems"], 6);
  EXPECT_EQ(figures["conjugate"]["points"], 300 * 4 * 128);
  EXPECT_GT(figures["conjugate"]["converged"], 0.95);
  EXPECT_LT(figures["history"][2]["loss"], figures["history"][0]["loss"]);
}

TEST_F(ConditionalMaps, EvaluationComparesMapsOnAnyNumberOfRanks) {
  for (const int ranks : {1, 2}) {
    const auto output = "evaluated" + std::to_string(ranks);
    const auto result = run(words("evaluate", output), ranks);
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_NE(result.out.find("by the map between Gaussians"), std::string::npos) << result.out;
    const auto figures = report(output);
    const auto& maps = figures["maps"];
    EXPECT_EQ(figures["problems"], 5);
    EXPECT_EQ(figures["each"].size(), 5u);
    EXPECT_EQ(figures["each"][3]["context"][0], 0.7);
    // Unseen contexts: near the true map, whose images are as far from the target as itself.
    EXPECT_LT(maps["model"]["uvp"], 3);
    EXPECT_GT(maps["identity"]["uvp"], 20);
    EXPECT_LT(maps["gaussian"]["uvp"], 5);
    EXPECT_LT(maps["model"]["distance"], 1.5 * maps["target_again"]["distance"].get<double>());
    EXPECT_LT(maps["model"]["mmd"], 0.6 * maps["identity"]["mmd"].get<double>());
    EXPECT_NEAR(maps["model"]["cost"].get<double>(), 1, 0.15);
    EXPECT_GT(maps["model"]["dual"], 0.6);  // two hundred points are far from the whole measure
    EXPECT_LT(maps["model"]["dual"], 1.1);
    EXPECT_TRUE(maps["identity"]["dual"].is_null());
    EXPECT_LT(maps["model"]["divergence"], 0.3 * maps["identity"]["divergence"].get<double>());
  }
  const auto one = report("evaluated1")["maps"], two = report("evaluated2")["maps"];
  for (const char* figure : {"distance", "divergence", "mmd", "uvp", "cost", "dual"})
    EXPECT_NEAR(one["model"][figure].get<double>(), two["model"][figure].get<double>(), 1e-4);
}

TEST_F(ConditionalMaps, SolveMapsEveryProblemsPoints) {
  ASSERT_EQ(run(words("solve", "forward"), 2).code, 0);
  const auto forward = Hdf5File::open(path("forward/solution.h5"));
  EXPECT_EQ(forward.info("/solution/image").shape, (std::vector<std::int64_t>{1000, 2}));
  EXPECT_EQ(forward.read<std::int64_t>("/solution/offsets"),
            (std::vector<std::int64_t>{0, 200, 400, 600, 800, 1000}));
  const auto image = forward.read<double>("/solution/image");
  const auto population = read_cloud_population(path("maps-out/make/test.h5"));
  double missed = 0, moved = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    missed += std::pow(image[i] - population.images[i], 2);
    moved += std::pow(population.sources.points[i] - population.images[i], 2);
  }
  EXPECT_LT(missed, 0.05 * moved);
  EXPECT_EQ(forward.read<std::int32_t>("/solution/status").size(), 5u);
  ASSERT_EQ(run(words("solve", "alone")).code, 0);
  const auto alone = Hdf5File::open(path("alone/solution.h5")).read<double>("/solution/image");
  for (std::size_t i = 0; i < image.size(); ++i) EXPECT_NEAR(alone[i], image[i], 1e-9);

  ASSERT_EQ(run(words("solve", "back", {"map.direction=backward"})).code, 0);
  const auto back = Hdf5File::open(path("back/solution.h5"));
  EXPECT_EQ(back.info("/solution/image").shape[0], 1000);
  // Both ways have one dual value.
  const auto there = forward.read<double>("/solution/dual_value"),
             again = back.read<double>("/solution/dual_value");
  for (std::size_t k = 0; k < there.size(); ++k) EXPECT_NEAR(there[k], again[k], 1e-6);

  for (const char* share : {"0/2", "1/2"}) {
    auto command = words("solve", "shared");
    command.insert(command.end(), {"--share", share});
    ASSERT_EQ(run(command).code, 0);
  }
  ASSERT_EQ(run(words("solve", "shared")).code, 0);
  EXPECT_EQ(Hdf5File::open(path("shared/solution.h5")).read<double>("/solution/image"), alone);
  const auto info = run({"info", "back/solution.h5"});
  EXPECT_NE(info.out.find("status 0 (converged): "), std::string::npos) << info.out;
}

TEST_F(ConditionalMaps, FlowsAreTrainedAndSolved) {
  const Words flow = {"model.architecture=velocity", "files.checkpoint=flow/model.h5"};
  ASSERT_EQ(run(words("train", "flow", {flow[0]}), 2).code, 0);
  const auto result = run(words("evaluate", "flow-evaluated", flow), 2);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_LT(report("flow-evaluated")["maps"]["model"]["uvp"], 3);
  ASSERT_EQ(run(words("solve", "flow-solved", flow)).code, 0);
  const auto solved = Hdf5File::open(path("flow-solved/solution.h5"));
  for (const double distance : solved.read<double>("/solution/round_trip"))
    EXPECT_LT(distance, 1e-2);
}

TEST_F(ConditionalMaps, TunedMapsAreNearerOnAnyNumberOfRanks) {
  ASSERT_EQ(run(words("train", "fresh", {"train.steps=0"})).code, 0);
  const std::string fresh = "files.checkpoint=fresh/model.h5";
  const auto uvp = [&](const std::string& output, int ranks, const Words& more) {
    Words all = words("evaluate", output, {fresh});
    for (const auto& one : more) all.insert(all.end(), {"--set", one});
    const auto result = run(all, ranks);
    EXPECT_EQ(result.code, 0) << result.err;
    return report(output)["maps"]["model"]["uvp"].get<double>();
  };
  const double before = uvp("alone", 1, {});
  const double after = uvp("tuned", 1, {"fine_tune.steps=100"});
  EXPECT_LT(after, before / 3);
  EXPECT_EQ(uvp("tuned-2", 2, {"fine_tune.steps=100"}), after);
  const auto solve = [&](const Words& more) {
    Words all = words("solve", "fresh-solved", {fresh});
    for (const auto& one : more) all.insert(all.end(), {"--set", one});
    const auto result = run(all, 2);
    EXPECT_EQ(result.code, 0) << result.err;
    return Hdf5File::open(path("fresh-solved/solution.h5")).read<double>("/solution/image");
  };
  EXPECT_NE(solve({}), solve({"fine_tune.steps=5", "fine_tune.batch=64"}));
}

TEST_F(ConditionalMaps, MethodsWithoutAModelNeedNone) {
  const auto command = [&](const char* name, const std::string& method) {
    return Words{name,       "maps.toml",
                 "--output", std::string(name) + "-" + method,
                 "--set",    "files.test_population=maps-out/make/test.h5",
                 "--set",    "files.checkpoint=there-is-none.h5",
                 "--set",    "map.method=" + method};
  };
  for (const std::string method : {"gaussian", "entropic", "progressive", "sliced"}) {
    const auto evaluated = run(command("evaluate", method), 2);
    ASSERT_EQ(evaluated.code, 0) << evaluated.err;
    const auto maps = report("evaluate-" + method)["maps"];
    EXPECT_LT(maps[method]["uvp"].get<double>(), 25) << method;
    EXPECT_LT(maps[method]["uvp"], maps["identity"]["uvp"]) << method;
    const auto solved = run(command("solve", method), 2);
    ASSERT_EQ(solved.code, 0) << solved.err;
    const auto file = Hdf5File::open(path("solve-" + method + "/solution.h5"));
    for (const double distance : file.read<double>("/solution/round_trip"))
      EXPECT_TRUE(std::isfinite(distance)) << method;
  }
}

/// Colors of images: made, learned from samples of the measures, and put back into the images.
TEST_F(ConditionalMaps, ImagesAreRecolored) {
  std::filesystem::create_directories(path("pictures"));
  const auto paint = [](const std::filesystem::path& file, double light) {
    std::vector<double> colors;
    const kernels::CounterRandom random(static_cast<std::uint64_t>(100 * light), 1);
    for (std::uint64_t k = 0; k < 3 * 30 * 20; ++k)
      colors.push_back(light * (0.5 + 0.5 * random.uniform(k)));
    write_color_png(file, color_image(20, 30, colors));
  };
  paint(path("pictures/bright.png"), 1);
  paint(path("pictures/dark.png"), 0.4);
  write_bytes(path("colors.toml"),
              "problem = \"conditional_map\"\n"
              "[data]\ntrain = { file = \"pictures\" }\ntest = { file = \"pictures\" }\n"
              "[make]\npixels = 200\npairs = \"one_to_all\"\n"
              "[model]\nhidden = [16]\npredictor_hidden = [16]\ncontext_hidden = [8]\n"
              "context = \"samples\"\ncontext_points = 50\nstart = \"gaussian\"\n"
              "[train]\nsteps = 20\nbatch = 2\npoints = 64\n");
  for (const char* command : {"make", "train"}) {
    const auto result = run({command, "colors.toml"}, std::string(command) == "make" ? 1 : 2);
    ASSERT_EQ(result.code, 0) << result.err;
  }
  const auto solved = run({"solve", "colors.toml", "--set", "map.images=pictures"}, 2);
  ASSERT_EQ(solved.code, 0) << solved.err;
  const auto image = read_color_image(path("colors-out/solve/images/0000-bright-as-dark.png"));
  EXPECT_EQ(image.height, 20);
  EXPECT_EQ(image.width, 30);
  double mean = 0;
  for (const auto value : image.rgb) mean += value / (255.0 * 3 * 20 * 30);
  EXPECT_NEAR(mean, 0.3, 0.05);  // that of the dark one
  const auto sliced = run({"solve", "colors.toml", "--output", "colors-out/sliced", "--set",
                           "map.images=pictures", "--set", "map.method=sliced"});
  ASSERT_EQ(sliced.code, 0) << sliced.err;
  EXPECT_TRUE(std::filesystem::exists(path("colors-out/sliced/images/0000-bright-as-dark.png")));
  expect_refused(
      {"solve", "colors.toml", "--output", "colors-out/refused", "--set", "map.images=maps-out"},
      {"maps-out", "no image 'bright.png'"});
  expect_refused(words("solve", "refused", {"map.images=pictures"}),
                 {"test.h5", "points of 2 coordinates"});
}

TEST_F(ConditionalMaps, KilledTrainingGoesOnBitForBit) {
  const Words more = {"train.steps=900"};
  ASSERT_EQ(run(words("train", "unbroken", more), 2).code, 0);
  const auto command = words("train", "broken", {"train.steps=900", "train.checkpoint_seconds=0"});
  {
    StartedProgram program(words_on_ranks(2, command), folder_->path());
    const auto saves = [&] {
      std::size_t count = 0;
      std::error_code ignored;
      for (const auto& entry : std::filesystem::directory_iterator(path("broken"), ignored))
        count += entry.path().filename().string().starts_with("training-");
      return count;
    };
    while (program.running() && saves() < 3)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    program.send(SIGTERM);
    ASSERT_NE(program.wait().code, 0);
  }
  ASSERT_FALSE(std::filesystem::exists(path("broken/model.h5")));
  const auto result = run(command, 2);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("going on at step "), std::string::npos) << result.err;
  const auto a = Hdf5File::open(path("unbroken/model.h5")),
             b = Hdf5File::open(path("broken/model.h5"));
  for (const auto& name : a.children("/model/parameters")) {
    const auto dataset = "/model/parameters/" + name;
    EXPECT_EQ(a.read<float>(dataset), b.read<float>(dataset)) << name;
  }
}

TEST_F(ConditionalMaps, Refusals) {
  const std::string bare = "files.test_population=bare.h5", wide = "files.test_population=wide.h5";
  expect_refused(words("train", "refused", {"files.train_population=bare.h5"}),
                 {"bare.h5", "/problems/context", "'moments'"});
  expect_refused(words("solve", "refused", {bare}), {"bare.h5", "/problems/context"});
  expect_refused(words("evaluate", "refused", {wide}),
                 {"wide.h5", "contexts of 2 numbers, the model is for 1"});
  expect_refused(words("train", "refused", {"train.loss=cycle"}), {"train.loss", "'regression'"});
  expect_refused(words("train", "refused", {"model.predictor=icnn"}), {"model.predictor", "'mlp'"});
  expect_refused(words("train", "refused", {"problem.cost=euclidean"}),
                 {"problem.cost", "squared_euclidean"});
  expect_refused(words("train", "refused", {"problem.geometry=grid"}),
                 {"problem.geometry = 'clouds'"});
  expect_refused(words("train", "refused", {"samples.pair=moons"}),
                 {"samples.pair", "neural_dual"});
  expect_refused(words("train", "refused", {"model.architecture=pair_encoder"}), {"'icnn'"});
  expect_refused(words("train", "refused", {"model.architecture=velocity", "model.start=gaussian"}),
                 {"model.start", "velocity"});
  expect_refused(
      words("train", "refused", {"model.architecture=velocity", "model.conditioning=generated"}),
      {"model.conditioning", "velocity"});
  expect_refused(words("solve", "refused", {"fine_tune.steps=2", "map.method=sliced"}),
                 {"fine_tune.steps", "'model'"});
  expect_refused(words("solve", "refused", {"map.method=entropic", "solver.initializer=model"}),
                 {"solver.initializer", "entropic"});
  auto far = shifted_gaussians({0.1}, 20, 3);
  far.ground_cost = kernels::EuclideanCost{};
  write_cloud_population(path("far.h5"), far);
  expect_refused(words("solve", "refused", {"files.test_population=far.h5", "map.method=sliced"}),
                 {"far.h5", "cost 'euclidean'"});
  expect_refused(words("solve", "refused", {"map.epsilon=0.1"}), {"map.epsilon", "'entropic'"});
  expect_refused(words("solve", "refused", {"fine_tune.steps=2", "model.architecture=velocity"}),
                 {"fine_tune.steps", "velocity"});
  expect_refused({"scale", "maps.toml", "--output", "refused"}, {"problem = 'conditional_map'"});
  write_bytes(path("plane.toml"),
              "problem = \"neural_dual\"\n[samples]\npair = \"moons\"\n[model]\n"
              "conditioning = \"none\"\n");
  expect_refused({"train", "plane.toml", "--output", "refused"},
                 {"model.conditioning needs problem = 'conditional_map'"});
  write_bytes(path("flow.toml"),
              "problem = \"neural_dual\"\n[samples]\npair = \"moons\"\n[model]\n"
              "architecture = \"velocity\"\n");
  expect_refused({"train", "flow.toml", "--output", "refused"}, {"model.architecture"});
  expect_refused(words("solve", "refused", {"model.hidden=[32]"}), {"hidden = [32, 32]"});
}

}  // namespace
}  // namespace otfleet
