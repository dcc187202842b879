// problem = "neural_dual": train, evaluate and solve, as a user runs them.
#include <chrono>
#include <thread>

#include "tests/cli/pipeline.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::read_bytes;
using testing::StartedProgram;
using testing::Words;
using testing::words_on_ranks;
using testing::write_bytes;

std::string npy_points(const std::vector<double>& values, std::size_t rows, std::size_t columns) {
  const auto shape = "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")";
  return testing::npy(testing::npy_header("<f8", shape), testing::bytes_of(values));
}

/// A small job, and what train made of it.
class Potentials : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<testing::TemporaryFolder>();
    write_bytes(*folder_ / "plane.toml",
                "problem = \"neural_dual\"\n"
                "seed = 3\n"
                "[samples]\npair = \"moons\"\n"
                "[model]\nhidden = [32, 32]\npredictor_hidden = [32]\n"
                "[train]\nsteps = 400\nbatch = 256\nlearning_rate = 2e-3\nlog_every = 100\n"
                "[evaluate]\npoints = 400\n"
                "[map]\npoints = { file = \"points.npy\" }\n");
    std::vector<double> points;
    const kernels::CounterRandom random(1, 2);
    for (std::uint64_t k = 0; k < 2 * 5000; ++k) points.push_back(2 * random.uniform(k) - 1);
    write_bytes(*folder_ / "points.npy", npy_points(points, 5000, 2));
    write_bytes(*folder_ / "flat.npy", npy_points(points, 10000, 1));
    write_bytes(*folder_ / "none.npy", npy_points({}, 0, 2));
    points[17] = NAN;
    write_bytes(*folder_ / "nan.npy", npy_points(points, 5000, 2));
    const auto result = run({"train", "plane.toml"}, 2);
    ASSERT_EQ(result.code, 0) << result.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::filesystem::path path(const std::string& name) { return *folder_ / name; }

  static testing::ProgramResult run(const Words& words, int ranks = 1) {
    return ranks == 1 ? testing::run_otfleet(words, folder_->path())
                      : testing::run_otfleet_on_ranks(ranks, words, folder_->path());
  }

  /// COMMAND plane.toml --output OUTPUT --set …, with the suite's checkpoint.
  static Words words(const std::string& command, const std::string& output,
                     const Words& overrides = {}) {
    Words all = {command, "plane.toml", "--output", output};
    if (command != "train")
      all.insert(all.end(), {"--set", "files.checkpoint=plane-out/train/model.h5"});
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

TEST_F(Potentials, TrainingIsReported) {
  const auto figures = report("plane-out/train");
  EXPECT_EQ(figures["steps"], 400);
  EXPECT_EQ(figures["dimension"], 2);
  EXPECT_EQ(figures["conjugate"]["points"], 400 * 256);
  EXPECT_GT(figures["conjugate"]["converged"], 0.99);
  EXPECT_GT(figures["conjugate"]["iterations"], 0);
  EXPECT_EQ(figures["history"].size(), 4u);
  // The dual falls from what the identity has.
  EXPECT_LT(figures["history"][3]["loss"], figures["history"][0]["loss"]);
  EXPECT_TRUE(std::filesystem::exists(path("plane-out/train/model.h5")));
}

TEST_F(Potentials, EvaluationMeasuresDistancesAndDraws) {
  for (const int ranks : {1, 2}) {
    const auto output = "evaluated" + std::to_string(ranks);
    const auto result = run(words("evaluate", output), ranks);
    ASSERT_EQ(result.code, 0) << result.err;
    const auto figures = report(output);
    const auto& distances = figures["distances"];
    // What is pushed is much closer to the target than the source was.
    EXPECT_LT(distances["pushed_to_target"]["exact"],
              0.4 * distances["source_to_target"]["exact"].get<double>());
    EXPECT_LT(distances["pulled_to_source"]["sliced"],
              0.4 * distances["source_to_target"]["sliced"].get<double>());
    EXPECT_GT(distances["target_to_target"]["exact"], 0);
    EXPECT_GT(figures["conjugate"]["converged"], 0.99);
    for (const char* key : {"iterations", "milliseconds"})
      EXPECT_GT(figures["conjugate"][key], 0) << key;
    const auto& plain = figures["conjugate"]["without_prediction"];
    EXPECT_GT(plain["converged"], 0.99);
    EXPECT_GT(plain["iterations"], figures["conjugate"]["iterations"]);
    const auto& strays = figures["strays"];
    EXPECT_EQ(strays["target"], 0);  // samples on a curve, without noise
    EXPECT_GE(strays["pushed"], 0);
    EXPECT_LE(strays["pulled"], 1);
    EXPECT_NE(result.out.find("farther than 3 deviations"), std::string::npos) << result.out;
    for (const char* picture : {"samples.png", "transported.png", "grid.png"})
      EXPECT_TRUE(std::filesystem::exists(path(output) / picture)) << picture;
  }
  const auto one = report("evaluated1")["distances"], two = report("evaluated2")["distances"];
  EXPECT_NEAR(one["pushed_to_target"]["exact"].get<double>(),
              two["pushed_to_target"]["exact"].get<double>(), 1e-6);
}

TEST_F(Potentials, SolveMapsPointsForwardAndBack) {
  const std::string exactly = "conjugate.tolerance=1e-9";
  ASSERT_EQ(run(words("solve", "forward", {exactly}), 2).code, 0);
  const auto forward = Hdf5File::open(path("forward/solution.h5"));
  EXPECT_EQ(forward.info("/solution/image").shape, (std::vector<std::int64_t>{5000, 2}));
  const auto image = forward.read<double>("/solution/image");
  const auto status = forward.read<std::int32_t>("/solution/status");
  const auto residual = forward.read<double>("/solution/residual");
  // At a kink of f' a point may stall just above so small a tolerance.
  EXPECT_GT(std::count(status.begin(), status.end(), 0), 4950);
  for (std::size_t k = 0; k < residual.size(); ++k)
    EXPECT_LT(status[k] == 0 ? residual[k] : 0, 1e-9);
  const auto figures = report("forward");
  EXPECT_EQ(figures["instances"], 5000);
  EXPECT_EQ(figures["converged"], std::count(status.begin(), status.end(), 0));
  if (std::system("gnuplot --version >/dev/null 2>&1") == 0) {
    EXPECT_EQ(figures["picture_shows"], "Points, and where the map takes them");
  }

  // One rank writes the same, up to the rounding of products of other sizes.
  ASSERT_EQ(run(words("solve", "alone", {exactly})).code, 0);
  const auto alone = Hdf5File::open(path("alone/solution.h5")).read<double>("/solution/image");
  ASSERT_EQ(alone.size(), image.size());
  for (std::size_t k = 0; k < image.size(); ++k) EXPECT_NEAR(alone[k], image[k], 1e-12);

  // And back to where the points were, wherever f is convex: where there were samples, at least.
  write_bytes(path("image.npy"), npy_points(image, 5000, 2));
  ASSERT_EQ(run(words("solve", "back",
                      {"map.points.file=image.npy", "map.direction=backward",
                       "conjugate.tolerance=1e-9"}),
                2)
                .code,
            0);
  const auto back = Hdf5File::open(path("back/solution.h5"));
  const auto again = back.read<double>("/solution/image");
  const auto round_trip = forward.read<double>("/solution/round_trip");
  const kernels::CounterRandom random(1, 2);
  int close = 0;
  for (std::size_t k = 0; k < 5000; ++k) {
    const double x = 2 * random.uniform(2 * k) - 1, y = 2 * random.uniform(2 * k + 1) - 1;
    const double distance = std::hypot(again[2 * k] - x, again[2 * k + 1] - y);
    close += distance < 1e-6;
    EXPECT_NEAR(distance, round_trip[k], 1e-3 + 0.01 * distance) << k;
  }
  EXPECT_GT(close, 3500);
  const auto info = run({"info", "back/solution.h5"});
  EXPECT_EQ(info.code, 0);
  EXPECT_NE(info.out.find("status 0 (converged): "), std::string::npos) << info.out;
}

TEST_F(Potentials, ThePotentialMayBeTheTargets) {
  const Words target = {"model.side=target"};
  ASSERT_EQ(run(words("train", "target", target), 2).code, 0);
  const Words of_target = {"model.side=target", "files.checkpoint=target/model.h5"};
  ASSERT_EQ(run(words("evaluate", "of-target", of_target), 2).code, 0);
  const auto distances = report("of-target")["distances"];
  for (const char* mapped : {"pushed_to_target", "pulled_to_source"})
    EXPECT_LT(distances[mapped]["exact"],
              0.4 * distances["source_to_target"]["exact"].get<double>());
  // Forward is then the solver's work, with its certificate.
  ASSERT_EQ(run(words("solve", "to-target", of_target)).code, 0);
  EXPECT_EQ(report("to-target")["method"]["chosen"], "lbfgs");
  const auto found = Hdf5File::open(path("to-target/solution.h5"));
  const auto status = found.read<std::int32_t>("/solution/status");
  const auto residual = found.read<double>("/solution/residual");
  EXPECT_GT(std::count(status.begin(), status.end(), 0), 4900);
  for (std::size_t k = 0; k < status.size(); ++k) EXPECT_LT(status[k] == 0 ? residual[k] : 0, 1e-3);
  expect_refused(words("solve", "refused", {"files.checkpoint=target/model.h5"}),
                 {"side = target, but the job asks for"});
  expect_refused(words("solve", "refused", {"model.side=both"}), {"model.side"});
}

TEST_F(Potentials, SharesAreMergedAndUnfinishedSolvesGoOn) {
  ASSERT_EQ(run(words("solve", "whole")).code, 0);
  for (const char* share : {"0/3", "1/3", "2/3"}) {
    auto command = words("solve", "shared");
    command.insert(command.end(), {"--share", share});
    ASSERT_EQ(run(command).code, 0);
  }
  const auto merged = run(words("solve", "shared"));
  ASSERT_EQ(merged.code, 0) << merged.err;
  EXPECT_NE(merged.err.find("5000 of 5000 problems are solved"), std::string::npos) << merged.err;
  for (const char* name : {"/solution/image", "/solution/residual", "/solution/value"})
    EXPECT_EQ(Hdf5File::open(path("shared/solution.h5")).read<double>(name).size(),
              Hdf5File::open(path("whole/solution.h5")).read<double>(name).size());
}

TEST_F(Potentials, KilledTrainingGoesOnBitForBit) {
  // Long enough not to be done before the signal arrives.
  ASSERT_EQ(run(words("train", "unbroken", {"train.steps=2000"}), 2).code, 0);
  auto command = words("train", "broken", {"train.steps=2000", "train.checkpoint_seconds=0"});
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

TEST_F(Potentials, TrainingThatBlowsUpSaysSoAndKeepsWhatWasGood) {
  const auto result = run(words("train", "blown", {"train.learning_rate=1e18"}), 2);
  EXPECT_EQ(result.code, 2) << result.err;
  EXPECT_NE(result.err.find("training diverged at step "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("lower train.learning_rate"), std::string::npos) << result.err;
  EXPECT_FALSE(std::filesystem::exists(path("blown/model.h5")));
}

TEST_F(Potentials, Refusals) {
  expect_refused({"make", "plane.toml", "--output", "refused"},
                 {"problem = 'neural_dual'", "train"});
  expect_refused(words("train", "refused", {"train.regularizer=expectiles"}),
                 {"train.regularizer", "expectile"});
  expect_refused(words("train", "refused", {"train.expectile=1.5"}), {"train.expectile"});
  write_bytes(*folder_ / "linear.toml", "[train]\nregularizer = \"expectile\"\n");
  expect_refused({"train", "linear.toml", "--output", "refused"},
                 {"train.regularizer = 'expectile' needs problem = 'neural_dual'"});
  expect_refused({"scale", "plane.toml", "--output", "refused"}, {"problem = 'neural_dual'"});
  expect_refused(words("solve", "refused", {"map.points.file=flat.npy"}),
                 {"plane-out/train/model.h5", "dimension 2, these have 1"});
  expect_refused(words("solve", "refused", {"map.points.file=none.npy"}),
                 {"none.npy", "no points"});
  expect_refused(words("solve", "refused", {"map.points.file=nan.npy"}),
                 {"nan.npy", "point 8 is not finite"});
  expect_refused(words("solve", "refused", {"map.points.file="}), {"map.points.file"});
  expect_refused(words("evaluate", "refused", {"model.hidden=[32]"}), {"hidden = [32, 32]"});
  expect_refused(words("train", "refused", {"samples.pair="}), {"samples.pair"});
  expect_refused(words("train", "refused", {"samples.pair=eight_gausians"}), {"eight_gaussians"});
  expect_refused(words("train", "refused", {"conjugate.solver=none"}),
                 {"conjugate.solver = 'none'", "'objective'"});
  expect_refused(words("train", "refused", {"model.architecture=pair_encoder"}), {"'icnn'"});
  expect_refused(
      words("train", "refused",
            {"samples.pair=", "samples.source.file=none.npy", "samples.target.file=points.npy"}),
      {"none.npy"});
  expect_refused(
      words("train", "refused",
            {"samples.pair=", "samples.source.file=flat.npy", "samples.target.file=points.npy"}),
      {"dimension 1", "2"});
  expect_refused(words("train", "refused", {"samples.pair=", "samples.benchmark=points.npy"}),
                 {"points.npy"});
  // Checkpoints of the other half of the program.
  expect_refused(words("evaluate", "refused", {"files.checkpoint=points.npy"}), {"points.npy"});
}

}  // namespace
}  // namespace otfleet
