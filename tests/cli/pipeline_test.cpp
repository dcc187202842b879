// make, train, solve, evaluate in small, as a user runs them.
#include <algorithm>
#include <numeric>

#include "tests/cli/pipeline.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::bytes_of;
using testing::count_of;
using testing::npy;
using testing::npy_header;
using testing::Words;
using testing::write_bytes;
using Json = nlohmann::json;
using Shape = std::vector<std::int64_t>;

class Pipeline : public testing::PipelineTest {
 protected:
  /// The figures of a solve are those of its datasets.
  static void expect_figures(const Json& report, const std::string& output) {
    const auto status = column<std::int32_t>(output, "status");
    const auto converged = std::count(status.begin(), status.end(), 0);
    const auto iterations = column<std::int32_t>(output, "iterations");
    const auto error = column(output, "marginal_error");
    const auto upper = column(output, "upper_bound"), lower = column(output, "lower_bound");
    double gap = 0;
    for (std::size_t k = 0; k < upper.size(); ++k)
      gap = std::max(gap, (upper[k] - lower[k]) / std::abs(upper[k]));
    EXPECT_EQ(report["instances"], problems);
    EXPECT_EQ(report["converged"], converged);
    EXPECT_EQ(report["failed"], problems - converged);
    EXPECT_NEAR(report["mean_iterations"].get<double>(),
                std::accumulate(iterations.begin(), iterations.end(), 0.0) / problems, 1e-12);
    EXPECT_EQ(report["max_marginal_error"], *std::max_element(error.begin(), error.end()));
    EXPECT_NEAR(report["max_relative_gap"].get<double>(), gap, 1e-15);
    EXPECT_GT(report["instances_per_second"].get<double>(), 0);
    EXPECT_EQ(report["solution"], output + "/solution.h5");
    EXPECT_EQ(report["population"], "job-out/make/test.h5");
    for (const char* phase : {"read", "solve", "start", "iterate", "certify", "write"})
      EXPECT_TRUE(report["seconds"].contains(phase)) << phase;
  }

  static void expect_same_columns(const std::string& first, const std::string& second) {
    for (const char* name : {"f", "g", "dual_value", "transport_cost", "upper_bound", "lower_bound",
                             "marginal_error", "iterations", "status"})
      EXPECT_EQ(column(first, name), column(second, name)) << name << " of " << second;
  }

  /// The same solutions up to `tolerance`, when starts differ by their rounding.
  static void expect_near_columns(const std::string& first, const std::string& second,
                                  double tolerance) {
    for (const char* name : {"dual_value", "transport_cost"}) {
      const auto a = column(first, name), b = column(second, name);
      ASSERT_EQ(a.size(), b.size());
      for (std::size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], tolerance) << name;
    }
  }
};

TEST_F(Pipeline, TrainLeavesAModelAndAReport) {
  const Json report = read_report("job-out/train");
  expect_common(report, "train", 1);
  EXPECT_EQ(report["steps"], 300);
  EXPECT_EQ(report["model"], "job-out/train/model.h5");
  EXPECT_EQ(report["parameters"], 288 * 64 + 64 + 64 * 64 + 64 + 64 * 144 + 144);
  EXPECT_GT(report["training_seconds"].get<double>(), 0);
  EXPECT_GT(report["steps_per_second"].get<double>(), 0);
  ASSERT_EQ(report["history"].size(), 6u);
  for (int row = 0; row < 6; ++row) EXPECT_EQ(report["history"][row]["step"], 50 * (row + 1));
  EXPECT_EQ(report["history"].back(), report["final"]);
  EXPECT_LT(report["final"]["loss"], report["history"].front()["loss"]);
  EXPECT_LT(report["final"]["first_error"], report["history"].front()["first_error"]);
  EXPECT_TRUE(std::filesystem::exists(path("job-out/train/model.h5")));
  EXPECT_TRUE(report["averaging"].is_null());  // of one rank
  double seconds = 0;
  for (const char* phase :
       {"data", "forward", "loss", "solve", "backward", "averaging", "update"}) {
    ASSERT_TRUE(report["seconds"].contains(phase)) << phase;
    seconds += report["seconds"][phase].get<double>();
  }
  EXPECT_LE(seconds, report["seconds"]["train"].get<double>());
  for (const auto& entry : std::filesystem::directory_iterator(path("job-out/train")))
    EXPECT_FALSE(entry.path().filename().string().starts_with("training-")) << entry.path();
}

TEST_F(Pipeline, TrainingIsTheSameOnRanks) {
  const Json alone = read_report("job-out/train");
  for (const int ranks : {2, 3}) {
    const auto output = "train-" + std::to_string(ranks);
    const Json report = report_of("train", output, {}, ranks);
    expect_common(report, "train", ranks);
    EXPECT_EQ(report["steps"], 300);
    const Json& averaging = report["averaging"];
    EXPECT_EQ(averaging["backend"], "mpi");
    EXPECT_EQ(averaging["buckets"], 1);  // a small network
    EXPECT_EQ(averaging["bytes"].get<std::int64_t>(), 4 * alone["parameters"].get<std::int64_t>());
    EXPECT_EQ(averaging["sampled_steps"], 300 / 32);
    for (const char* key : {"seconds", "wait_seconds", "exposed_seconds"})
      EXPECT_GT(averaging[key].get<double>(), 0) << key;
    EXPECT_LT(averaging["hidden_share"].get<double>(),
              1 + averaging["wait_seconds"].get<double>() / averaging["seconds"].get<double>());
    ASSERT_EQ(report["history"].size(), 6u);
    // The order of sums differs in the last digit of a float; 300 steps make more of it.
    for (int row = 0; row < 6; ++row)
      for (const char* key : {"loss", "first_error"}) {
        const double expected = alone["history"][row][key];
        EXPECT_NEAR(report["history"][row][key].get<double>(), expected,
                    (row == 0 ? 1e-4 : 1e-2) * std::abs(expected))
            << key << ", row " << row;
      }
  }
}

TEST_F(Pipeline, SolveFromEveryStartOnRanks) {
  // As a user has it, all files where the earlier commands put them.
  const auto result = run({"solve", "job.toml"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(count_of(result.out, "job-out/solve/solution.h5: 30 problems, 30 converged"), 1u)
      << result.out;
  const auto file = Hdf5File::open(path("job-out/solve/solution.h5"));
  EXPECT_EQ(file.info("/solution/f").shape, (Shape{problems, points}));
  EXPECT_EQ(file.info("/solution/g").shape, (Shape{problems, points}));
  for (const char* name : {"dual_value", "transport_cost", "upper_bound", "lower_bound",
                           "marginal_error", "iterations", "status"})
    EXPECT_EQ(file.info(std::string("/solution/") + name).shape, Shape{problems}) << name;
  EXPECT_EQ(file.string_attribute("/solution", "initializer"), "model");

  struct Case {
    std::string output, start;
    int ranks;
  };
  const Case cases[] = {{"zeros1", "zeros", 1},       {"zeros2", "zeros", 2},
                        {"gaussian1", "gaussian", 1}, {"gaussian3", "gaussian", 3},
                        {"model2", "model", 2},       {"model3", "model", 3}};
  for (const Case& c : cases) {
    const Json report = report_of("solve", c.output, {"solver.initializer=" + c.start}, c.ranks);
    expect_common(report, "solve", c.ranks);
    expect_figures(report, c.output);
    EXPECT_EQ(report["converged"], problems);
    EXPECT_EQ(report["configuration"]["solver"]["initializer"], c.start);
    EXPECT_LT(report["max_marginal_error"].get<double>(), 1e-3);
  }
  expect_same_columns("zeros1", "zeros2");
  expect_same_columns("gaussian1", "gaussian3");
  // A prediction may differ in its last digit where the batch has another size.
  expect_near_columns("job-out/solve", "model2", 1e-4);
  expect_near_columns("job-out/solve", "model3", 1e-4);
  expect_near_columns("zeros1", "gaussian1", 5e-3);
  expect_near_columns("zeros1", "model2", 5e-3);
  const auto mean = [](const std::string& output) {
    return read_report(output)["mean_iterations"].get<double>();
  };
  EXPECT_LT(mean("job-out/solve"), mean("zeros1"));  // what all this is for

  // Every setting can be set for one run.
  const Json report = report_of(
      "solve", "settings",
      {"solver.initializer=zeros", "solver.threshold=1e-5", "solver.inner_iterations=10",
       "problem.epsilon=0.05", "solver.max_iterations=500", "seed=9", "solution.potentials=false"});
  const Json& configuration = report["configuration"];
  EXPECT_EQ(configuration["solver"]["threshold"], 1e-5);
  EXPECT_EQ(configuration["solver"]["inner_iterations"], 10);
  EXPECT_EQ(configuration["solver"]["max_iterations"], 500);
  EXPECT_EQ(configuration["problem"]["epsilon"], 0.05);
  EXPECT_EQ(configuration["seed"], 9);
  EXPECT_EQ(configuration["solution"]["potentials"], false);
  EXPECT_EQ(report["converged"], problems);
  expect_figures(report, "settings");
  EXPECT_LT(report["max_marginal_error"].get<double>(), 1e-5);
  for (const auto count : column<std::int32_t>("settings", "iterations")) EXPECT_EQ(count % 10, 0);
  const auto bare = Hdf5File::open(path("settings/solution.h5"));
  EXPECT_EQ(bare.children("/solution").size(), 7u);
  EXPECT_FALSE(bare.has("/solution/f"));
  EXPECT_EQ(bare.number_attribute("/solution", "epsilon"), 0.05);
  EXPECT_EQ(bare.number_attribute("/solution", "threshold"), 1e-5);
  // More entropy, a more expensive plan.
  const auto rough = column("settings", "transport_cost"),
             fine = column("zeros1", "transport_cost");
  for (std::size_t k = 0; k < rough.size(); ++k) EXPECT_GT(rough[k], fine[k]);
}

TEST_F(Pipeline, InstancesThatRunOutOfIterationsAreReported) {
  const Json report = report_of(
      "solve", "limit",
      {"solver.initializer=zeros", "solver.threshold=1e-9", "solver.max_iterations=1"}, 3);
  expect_figures(report, "limit");
  EXPECT_EQ(report["failed"], problems);
  for (const auto status : column<std::int32_t>("limit", "status")) EXPECT_EQ(status, 1);
  for (const auto count : column<std::int32_t>("limit", "iterations")) EXPECT_EQ(count, 1);
  for (const double error : column("limit", "marginal_error")) EXPECT_GT(error, 1e-9);
}

TEST_F(Pipeline, FloatPrecisionAndAWarmerModel) {
  const Json report = report_of(
      "solve", "tuned", {"fine_tune.steps=3", "fine_tune.batch=8", "solver.precision=float"}, 2);
  expect_figures(report, "tuned");
  EXPECT_EQ(report["configuration"]["fine_tune"]["steps"], 3);
  EXPECT_GT(report["seconds"]["fine_tune"].get<double>(), 0);
  EXPECT_EQ(report["configuration"]["solver"]["precision"], "float");
  // Converged means it by the certificate, in double.
  EXPECT_GE(report["converged"], problems - 1);
  EXPECT_LT(report["max_marginal_error"].get<double>(), 1e-3 * 1.001);
}

TEST_F(Pipeline, MoreRanksThanProblems) {
  auto population = read_population(path("job-out/make/test.h5"));
  population.source.resize(2);
  population.target.resize(2);
  write_population(path("two.h5"), population);
  const Words overrides = {"files.test_population=two.h5"};
  const Json report = report_of("solve", "two-solved", overrides, 3);
  EXPECT_EQ(report["instances"], 2);
  EXPECT_EQ(report["converged"], 2);
  EXPECT_EQ(column("two-solved", "status"), (std::vector<double>{0, 0}));
  const Json evaluation = report_of("evaluate", "two-evaluated", overrides, 3);
  EXPECT_EQ(evaluation["problems"], 2);
  for (const char* start : {"zeros", "gaussian", "model"})
    EXPECT_EQ(evaluation["thresholds"][0]["initializers"][start]["converged"], 2);
}

/// The value at `share` of the sorted counts, by nearest rank.
double percentile(std::vector<std::int32_t> counts, double share) {
  std::sort(counts.begin(), counts.end());
  return counts[static_cast<std::size_t>(std::ceil(share * static_cast<double>(counts.size()))) -
                1];
}

TEST_F(Pipeline, EvaluateComparesTheStarts) {
  // The iterations of a solve, for the same comparison.
  report_of("solve", "solved", {"solver.initializer=zeros", "solver.threshold=1e-4"});
  const auto counts = column<std::int32_t>("solved", "iterations");
  for (const int ranks : {1, 2}) {
    const auto output = "evaluate" + std::to_string(ranks);
    const auto result = run(words("evaluate", output), ranks);
    ASSERT_EQ(result.code, 0) << result.err;
    for (const char* part : {"zeros", "gaussian", "model", "1e-02", "1e-04"})
      EXPECT_NE(result.out.find(part), std::string::npos) << result.out;
    EXPECT_EQ(count_of(result.out, "30 held-out problems"), 1u);
    const Json report = read_report(output);
    expect_common(report, "evaluate", ranks);
    EXPECT_EQ(report["problems"], problems);
    ASSERT_EQ(report["thresholds"].size(), 2u);
    for (int at = 0; at < 2; ++at) {
      const Json& entry = report["thresholds"][at];
      EXPECT_EQ(entry["threshold"], at == 0 ? 1e-2 : 1e-4);
      const Json& starts = entry["initializers"];
      ASSERT_EQ(starts.size(), 3u);
      for (const char* name : {"zeros", "gaussian", "model"}) {
        const Json& start = starts[name];
        const Json& iterations = start["iterations"];
        EXPECT_GT(iterations["mean"], 0);
        EXPECT_LE(iterations["p50"], iterations["p90"]);
        EXPECT_LE(iterations["p90"], iterations["p99"]);
        EXPECT_LE(iterations["mean"], iterations["p99"]);
        EXPECT_GT(start["milliseconds_per_instance"], 0);
        EXPECT_GE(start["predict_milliseconds_per_instance"], 0);
        EXPECT_LE(start["predict_milliseconds_per_instance"], start["milliseconds_per_instance"]);
        EXPECT_EQ(start["converged"], problems);
        EXPECT_EQ(start["initial_marginal_error"], report["error_curves"][name][0]);
        ASSERT_EQ(report["error_curves"][name].size(), 7u);  // 0 to 6 iterations
        EXPECT_LT(report["error_curves"][name][6], report["error_curves"][name][1]);
      }
      EXPECT_LT(starts["model"]["initial_marginal_error"],
                starts["zeros"]["initial_marginal_error"]);
      EXPECT_TRUE(entry["model_against_best"].contains("time_ratio"));
    }
    const Json& iterations = report["thresholds"][1]["initializers"]["zeros"]["solver_iterations"];
    EXPECT_NEAR(iterations["mean"].get<double>(),
                std::accumulate(counts.begin(), counts.end(), 0.0) / problems, 1e-12);
    EXPECT_EQ(iterations["p50"], percentile(counts, 0.5));
    EXPECT_EQ(iterations["p90"], percentile(counts, 0.9));
    EXPECT_EQ(iterations["p99"], percentile(counts, 0.99));
    EXPECT_GT(std::filesystem::file_size(path(output) / "interpolation.png"), 100u);
  }
}

TEST_F(Pipeline, PlansAndProjectionsOnRanks) {
  const Words wanted = {"solver.initializer=zeros", "solution.plan=top_k", "solution.top_k=4",
                        "solution.projection=true", "solution.potentials=false"};
  const Json report = report_of("solve", "plans1", wanted, 1);
  EXPECT_TRUE(report["seconds"].contains("plan"));
  EXPECT_EQ(report["configuration"]["solution"]["top_k"], 4);
  report_of("solve", "plans2", wanted, 2);
  const auto one = Hdf5File::open(path("plans1") / "solution.h5");
  const auto two = Hdf5File::open(path("plans2") / "solution.h5");
  EXPECT_EQ(one.info("/plan/offsets").shape, (Shape{problems, points + 1}));
  EXPECT_EQ(one.info("/solution/projection").shape, (Shape{problems, points, 2}));
  EXPECT_EQ(one.read<std::int64_t>("/plan/offsets"), two.read<std::int64_t>("/plan/offsets"));
  EXPECT_EQ(one.read<std::int32_t>("/plan/columns"), two.read<std::int32_t>("/plan/columns"));
  for (const char* name : {"/plan/values", "/plan/kept_mass"})
    EXPECT_EQ(one.read<double>(name), two.read<double>(name)) << name;
  EXPECT_EQ(one.string_attribute("/plan", "rule"), "top_k");
  EXPECT_EQ(one.number_attribute("/plan", "top_k"), 4);
  EXPECT_FALSE(one.has("/solution/f"));
  const auto info = run({"info", "plans1/solution.h5"});
  for (const char* part : {"/plan/columns", "/plan @rule", "mass of the plans that is kept"})
    EXPECT_NE(info.out.find(part), std::string::npos) << info.out;
}

TEST_F(Pipeline, EvaluateComparesTheStartsAskedFor) {
  const auto starts_of = [&](const std::string& output, const Words& overrides) {
    const Json report = report_of("evaluate", output, overrides, 2);
    const Json& starts = report["thresholds"][0]["initializers"];
    std::vector<std::string> names;
    for (const auto& [name, start] : starts.items()) {
      EXPECT_EQ(start["converged"], problems) << name;
      EXPECT_EQ(start["initial_marginal_error"], report["error_curves"][name][0]) << name;
      EXPECT_LT(start["initial_marginal_error"], 2) << name;
      EXPECT_TRUE(name == "zeros" || start["predict_milliseconds_per_instance"] > 0) << name;
      names.push_back(name);
    }
    return names;
  };
  // Without the model no checkpoint is needed; names come sorted.
  EXPECT_EQ(starts_of("two-starts", {"evaluate.initializers=[\"subsample\", \"zeros\"]",
                                     "files.checkpoint=none.h5"}),
            (std::vector<std::string>{"subsample", "zeros"}));
  EXPECT_EQ(starts_of("all-starts", {"evaluate.initializers=[\"all\"]"}),
            (std::vector<std::string>{"gaussian", "gaussian_mixture", "model", "previous_epsilon",
                                      "subsample", "zeros"}));
  // Six curves, more than there were colors.
  EXPECT_GT(std::filesystem::file_size(path("all-starts") / "error_curves.png"), 5000u);
}

TEST_F(Pipeline, EvaluateWithoutAModelComparesWhatNeedsNone) {
  const auto starts_of = [&](const std::string& output, const Words& overrides, int ranks) {
    Words command = {"evaluate", "job.toml", "--output",
                     output,     "--set",    "files.test_population=job-out/make/test.h5"};
    for (const auto& one : overrides) command.insert(command.end(), {"--set", one});
    const auto result = run(command, ranks);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(count_of(result.err, "no model is compared: none is found"), 1u) << result.err;
    std::vector<std::string> names;
    const Json report = read_report(output);
    for (const auto& [name, start] : report["thresholds"][0]["initializers"].items())
      names.push_back(name);
    return names;
  };
  EXPECT_EQ(starts_of("no-model/usual", {}, 2), (std::vector<std::string>{"gaussian", "zeros"}));
  EXPECT_EQ(starts_of("no-model/all", {"evaluate.initializers=[\"all\"]"}, 1),
            (std::vector<std::string>{"gaussian", "gaussian_mixture", "previous_epsilon",
                                      "subsample", "zeros"}));
}

/// A user's own cost between a user's own bins.
TEST_F(Pipeline, DensePopulationWithAMatrix) {
  const kernels::CounterRandom random(3, 0);
  std::uint64_t counter = 0;
  const auto draw = [&](const std::string& name, int rows, int columns) {
    std::vector<double> values;
    for (int k = 0; k < rows * columns; ++k) values.push_back(0.01 + random.uniform(counter++));
    const auto shape = "(" + std::to_string(rows) + ", " + std::to_string(columns) + ")";
    write_bytes(path(name), npy(npy_header("<f8", shape), bytes_of(values)));
  };
  draw("cost.npy", 9, 7);
  draw("source.npy", 10, 9);
  draw("target.npy", 8, 7);
  write_bytes(path("dense.toml"),
              "[data]\ncost = { file = \"cost.npy\" }\n"
              "train = { file = \"source.npy\" }\ntrain_target = { file = \"target.npy\" }\n"
              "test = { file = \"source.npy\" }\ntest_target = { file = \"target.npy\" }\n"
              "[problem]\ngeometry = \"dense\"\ncost = \"matrix\"\nepsilon = 0.05\n"
              "[make]\ntrain_problems = 50\ntest_problems = 12\n"
              "[model]\narchitecture = \"pair_encoder\"\nhidden = [32]\nembedding = 16\n"
              "[train]\nsteps = 50\nbatch = 16\n[evaluate]\nthresholds = [1e-3]\n");
  for (const char* command : {"make", "train", "evaluate"}) {
    const auto result = run({command, "dense.toml"});
    ASSERT_EQ(result.code, 0) << result.err;
  }
  const Json starts = read_report("dense-out/evaluate")["thresholds"][0]["initializers"];
  EXPECT_EQ(starts.size(), 2u);
  EXPECT_TRUE(starts.contains("zeros") && starts.contains("model"));
  expect_refused({"solve", "dense.toml", "--output", "dense-out/solve", "--set",
                  "solver.initializer=gaussian"},
                 "solver.initializer = 'gaussian': needs squared Euclidean costs", "make/test.h5");
  expect_refused_on(
      2,
      {"solve", "dense.toml", "--output", "dense-out/solve", "--set", "solution.projection=true"},
      "solution.projection needs the coordinates", "make/test.h5");
  for (const char* start : {"zeros", "model"})
    EXPECT_EQ(
        run({"solve", "dense.toml", "--set", std::string("solver.initializer=") + start}, 2).code,
        0);
  EXPECT_EQ(read_report("dense-out/solve")["converged"], 12);
  const auto file = Hdf5File::open(path("dense-out/solve/solution.h5"));
  EXPECT_EQ(file.info("/solution/f").shape, (Shape{12, 9}));
  EXPECT_EQ(file.info("/solution/g").shape, (Shape{12, 7}));
}

}  // namespace
}  // namespace otfleet
