#include "src/job.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

#include "src/config/nearest_name.hpp"
#include "src/refusals.hpp"
#include "tests/src/expect_error.hpp"
#include "tests/src/temporary_folder.hpp"
#include "tests/src/write_arrays.hpp"

namespace otfleet {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;
using testing::write_bytes;

Job read(const std::string& text, const std::vector<std::string>& overrides = {}) {
  const TemporaryFolder folder;
  write_bytes(folder / "job.toml", text);
  return read_job(folder / "job.toml", overrides);
}

TEST(Job, DefaultsHoldForAnEmptyFile) {
  const Job job = read("");
  EXPECT_EQ(job.resolved(), Job{}.resolved());
  EXPECT_EQ(job.problem.epsilon, 0.05);
  EXPECT_EQ(job.problem.epsilon_relative, CostStatistic::mean);
}

TEST(Job, AnEpsilonAloneIsAbsoluteAndAUnitAloneTakesTheUsualShare) {
  const Job absolute = read("[problem]\nepsilon = 0.3\n");
  EXPECT_EQ(absolute.problem.epsilon, 0.3);
  EXPECT_EQ(word_of(absolute.problem.epsilon_relative), "none");
  for (const char* unit : {"mean", "max", "median", "std"}) {
    const auto set = std::string("problem.epsilon_relative=") + unit;
    const Job both = read("[problem]\nepsilon = 0.3\n", {set}), alone = read("", {set});
    EXPECT_EQ(both.problem.epsilon, 0.3);
    EXPECT_EQ(word_of(both.problem.epsilon_relative), unit);
    EXPECT_EQ(alone.problem.epsilon, 0.05);
    EXPECT_EQ(word_of(alone.problem.epsilon_relative), unit);
  }
  EXPECT_EQ(word_of(read("", {"problem.epsilon=0.3"}).problem.epsilon_relative), "none");
  EXPECT_EQ(read("problem = \"neural_dual\"\n").problem.epsilon, 0.05);
  expect_error([] { read("[problem]\nepsilon_relative = \"none\"\n"); }, "job.toml",
               "problem.epsilon_relative = 'none' needs problem.epsilon");
  expect_error([] { read("[problem]\nepsilon_relative = \"average\"\n"); },
               "problem.epsilon_relative", "must be one of 'none', 'mean', 'max', 'median', 'std'");
}

TEST(Job, ReadsEveryType) {
  const Job job = read(R"(
    seed = 7
    [problem]
    epsilon = 1            # an integer for a float key
    [model]
    hidden = [64, 32]
    [train]
    augment = false
    [solver]
    initializer = "gaussian"
    [evaluate]
    thresholds = [1, 1e-4]
  )");
  EXPECT_EQ(job.seed, 7);
  EXPECT_EQ(job.problem.epsilon, 1.0);
  EXPECT_EQ(job.model.hidden, (std::vector<std::int64_t>{64, 32}));
  EXPECT_FALSE(job.train.augment);
  EXPECT_EQ(job.solver.initializer, "gaussian");
  EXPECT_EQ(job.evaluate.thresholds, (std::vector<double>{1.0, 1e-4}));
}

TEST(Job, PathsAreRelativeToTheFileThatNamesThem) {
  const TemporaryFolder folder;
  write_bytes(folder / "job.toml",
              "[data]\ntrain = { file = \"digits.h5\", dataset = \"images\" }\n"
              "test = { file = \"/data/test.npy\" }\n");
  const Job job = read_job(folder / "job.toml", {"files.checkpoint=a/../model.h5"});
  EXPECT_EQ(job.data.train.file, folder / "digits.h5");
  EXPECT_EQ(job.data.train.dataset, "images");
  EXPECT_EQ(job.data.test.file, "/data/test.npy");
  EXPECT_EQ(job.files.checkpoint, "model.h5");
}

TEST(Job, OverridesApplyInOrder) {
  const Job job = read("[solver]\nthreshold = 1\n",
                       {"solver.threshold=0.1", "solver.threshold=0.01", "solver.initializer=model",
                        "solver.precision=\"float\"", "model.hidden=[8]", "data.train.file=12",
                        "data.test={file='x.h5', dataset='y'}", "train.augment=false"});
  EXPECT_EQ(job.solver.threshold, 0.01);
  EXPECT_EQ(job.solver.initializer, "model");
  EXPECT_EQ(job.solver.precision, Precision::in_float);
  EXPECT_EQ(job.model.hidden, std::vector<std::int64_t>{8});
  EXPECT_EQ(job.data.train.file, "12");
  EXPECT_EQ(job.data.test.file, "x.h5");
  EXPECT_EQ(job.data.test.dataset, "y");
  EXPECT_FALSE(job.train.augment);
}

TEST(Job, ResolvedHoldsEveryKey) {
  const auto json = read("[solver]\nthreshold = 0.5\n").resolved();
  EXPECT_EQ(json["solver"]["threshold"], 0.5);
  EXPECT_EQ(json["model"]["hidden"], (std::vector<int>{512}));
  EXPECT_EQ(json["data"]["train"]["file"], "");
  std::istringstream lines(describe_keys());
  for (std::string line; std::getline(lines, line);) {
    std::string pointer = "/";
    pointer += line.substr(0, line.find(' '));
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    EXPECT_TRUE(json.contains(nlohmann::json::json_pointer(pointer))) << line;
  }
}

TEST(Job, UnknownKeysNameTheNearest) {
  const auto unknown = [](const std::string& text, const std::string& key,
                          const std::string& near) {
    expect_error([&] { read(text); }, "job.toml: unknown key '" + key + "'", near);
  };
  unknown("[solver]\ntreshold = 1\n", "solver.treshold", "did you mean 'solver.threshold'?");
  unknown("[slover]\nthreshold = 1\n", "slover", "did you mean 'solver'?");
  unknown("threshold = 1\n", "threshold", "did you mean 'solver.threshold'?");
  unknown("[model]\nminutes = 1\n", "model.minutes", "did you mean 'train.minutes'?");
  unknown("[data]\ntrain = { path = \"x\" }\n", "data.train.path", "");
  unknown("completely_different = 1\n", "completely_different", "'otfleet --keys' lists all");
  expect_error([] { read("", {"problem.epsilom=1"}); },
               "--set problem.epsilom=1: unknown key 'problem.epsilom'; did you mean "
               "'problem.epsilon'?");
}

TEST(Job, WrongTypesAreRefused) {
  const auto wrong = [](const std::string& text, const std::string& message) {
    expect_error([&] { read(text); }, "job.toml: ", message);
  };
  wrong("seed = 1.5", "seed = 1.5: must be an integer, not a float");
  wrong("seed = true", "must be an integer, not a boolean");
  wrong("[problem]\nepsilon = \"1\"", "must be a number, not a string");
  wrong("[problem]\ngeometry = 3", "must be a string, not an integer");
  wrong("[train]\naugment = 1", "must be true or false, not an integer");
  wrong("[model]\nhidden = 3", "must be an array of integers, not an integer");
  wrong("[model]\nhidden = [1.5]", "must be an array of integers");
  wrong("[evaluate]\nthresholds = [\"a\"]", "must be an array of numbers");
  wrong("[solver.threshold]\nx = 1", "must be a number, not a table");
  wrong("solver = 3", "solver must be a table, not an integer");
  wrong("[data]\ntrain = \"x.npy\"",
        "data.train must be a table, not a string; write data.train = { file = \"NAME\" }");
  wrong("[data.train]\nfile = 2000-01-01", "the path of a file, not a date or time");
}

TEST(Job, ValuesOutOfRangeAreRefused) {
  const auto refused = [](const std::string& text, const std::string& message) {
    expect_error([&] { read("", {text}); }, "--set " + text + ": " + message);
  };
  for (const char* key : {"problem.epsilon", "solver.threshold", "train.learning_rate"}) {
    refused(key + std::string("=0"), "must be > 0");
    refused(key + std::string("=-1"), "must be > 0");
    refused(key + std::string("=inf"), "must be finite");
    refused(key + std::string("=nan"), "must be finite");
  }
  for (const char* key : {"problem.tau_a", "problem.tau_b"}) {
    refused(key + std::string("=0"), "must be in (0, 1]");
    refused(key + std::string("=1.5"), "must be in (0, 1]");
    refused(key + std::string("=nan"), "must be in (0, 1]");
  }
  refused("problem.transported_share=-0.1", "must be in [0, 1]");
  refused("problem.transported_share=1.1", "must be in [0, 1]");
  refused("solver.inner_iterations=0", "must be >= 1");
  refused("solver.max_iterations=-1", "must be >= 0");
  refused("train.batch=0", "must be >= 1");
  refused("train.steps=-1", "must be >= 0");
  refused("train.minutes=-0.5", "must be >= 0");
  refused("train.clip=-1", "must be >= 0");
  refused("make.train_problems=0", "must be >= 1");
  refused("make.train_problems=2000000000", "must be <= 1000000000");
  refused("model.hidden=[]", "must not be empty");
  refused("model.hidden=[8, 0]", "every value must be >= 1");
  refused("evaluate.thresholds=[]", "must not be empty");
  refused("evaluate.thresholds=[1e-2, 0]", "every value must be > 0");
  refused("problem.geometry=ball", "must be one of 'grid', 'dense'");
  refused("solver.initializer=7", "must be one of 'zeros', 'gaussian', 'gaussian_mixture'");
  refused("solver.precision=half", "must be one of 'double', 'float'");
  // The nearest of all that it may be.
  refused("solver.precision=flaot", "must be one of 'double', 'float'; did you mean 'float'?");
  const auto expect_near = [](const std::string& text, const std::string& near) {
    expect_error([&] { read("", {text}); }, "; did you mean '" + near + "'?");
  };
  expect_near("solver.initializer=gausian", "gaussian");
  expect_near("problem.cost=euclidian", "euclidean");
  expect_near("problem.cost=matrx", "matrix");
  expect_near("evaluate.initializers=[zeroes]", "zeros");
  refused("solution.plan=all", "must be one of 'none', 'top_k', 'threshold'");
  refused("solution.top_k=0", "must be >= 1");
  for (const char* share : {"0", "1.5", "-1", "nan"})
    refused(std::string("solution.plan_threshold=") + share, "must be in (0, 1]");
  expect_error([] { read("[problem]\nepsilon = -1\n"); },
               "job.toml: problem.epsilon = -1: must be > 0");
}

TEST(Job, OverridesNeedAKeyAndAValue) {
  expect_error([] { read("", {"seed"}); }, "--set seed: must have the form key.path=value");
  expect_error([] { read("", {"=1"}); }, "--set =1: must have the form key.path=value");
  expect_error([] { read("", {"seed="}); }, "--set seed=: must be an integer, not a string");
  // A line break in a value begins no second key.
  expect_error([] { read("", {"seed=1\nsecond = 2"}); }, "must be an integer, not a string");
}

TEST(Job, OverridesAreReadAsAPersonMeansThem) {
  const auto epsilon = [](const std::string& value) {
    return read("", {"problem.epsilon=" + value}).problem.epsilon;
  };
  EXPECT_EQ(epsilon(".9"), 0.9);
  EXPECT_EQ(epsilon("1."), 1);
  EXPECT_EQ(epsilon("+.5"), 0.5);
  EXPECT_EQ(epsilon("1e-3"), 1e-3);
  EXPECT_EQ(epsilon("1.e-3"), 1e-3);
  EXPECT_EQ(epsilon(".5E1"), 5);
  EXPECT_EQ(epsilon("00.5"), 0.5);
  EXPECT_EQ(epsilon("  2 "), 2);
  EXPECT_EQ(epsilon("1_000."), 1000);
  EXPECT_EQ(read("", {"problem.epsilon = 0.5"}).problem.epsilon, 0.5);
  EXPECT_EQ(read("", {" solver.initializer = gaussian "}).solver.initializer, "gaussian");
  EXPECT_EQ(read("", {"data.train.file = a b.npy"}).data.train.file, "a b.npy");
  EXPECT_EQ(read("", {"evaluate.thresholds=[.1, 1., 1e-2]"}).evaluate.thresholds,
            (std::vector<double>{0.1, 1, 1e-2}));
  EXPECT_EQ(read("", {"train.steps=1e3"}).train.steps, 1000);
  EXPECT_EQ(read("", {"train.steps=007"}).train.steps, 7);
  EXPECT_EQ(read("", {"model.hidden=[64., 1e2]"}).model.hidden,
            (std::vector<std::int64_t>{64, 100}));
  EXPECT_FALSE(read("", {"train.augment=False"}).train.augment);
  EXPECT_TRUE(read("", {"solver.normalize=TRUE"}).solver.normalize);
  EXPECT_EQ(read("", {"evaluate.initializers=[zeros, model]"}).evaluate.initializers.names,
            (std::vector<std::string>{"zeros", "model"}));
  EXPECT_TRUE(read("", {"evaluate.initializers=[all]"}).evaluate.initializers.all);
  EXPECT_FALSE(read("", {"problem.geometry=dense", "problem.cost=matrix"}).problem.cost);
  EXPECT_EQ(word_of(read("", {"problem = neural_dual"}).problem.kind), "neural_dual");
  // Its name in earlier versions.
  EXPECT_EQ(word_of(read("", {"problem = potentials"}).problem.kind), "neural_dual");
  for (const char* value : {".", "1,5", "1.2.3", "one", "1e", "--1", "1 2"})
    expect_error([&] { epsilon(value); },
                 "--set problem.epsilon=" + std::string(value) + ": must be a number");
  expect_error([] { read("", {"train.steps=1.5"}); }, "must be an integer, not a float");
  expect_error([] { read("", {" = 1"}); }, "must have the form key.path=value");
}

TEST(Job, AnArrayInAFileMayBeNamedBehindAColon) {
  const TemporaryFolder folder;
  write_bytes(folder / "job.toml",
              "[data]\ntrain = { file = \"a.npz:x\" }\ntest = { file = \"b.h5:group/y\" }\n"
              "points = { file = \"c.npz:z\", dataset = \"w\" }\ncost = { file = \"d.npy:1\" }\n");
  const auto data = read_job(folder / "job.toml", {}).data;
  EXPECT_EQ(data.train.file, folder / "a.npz");
  EXPECT_EQ(data.train.dataset, "x");
  EXPECT_EQ(data.test.file, folder / "b.h5");
  EXPECT_EQ(data.test.dataset, "group/y");
  EXPECT_EQ(data.points.file, folder / "c.npz:z");
  EXPECT_EQ(data.cost.file, folder / "d.npy:1");
  write_bytes(folder / "a.npz:x", "a file of that very name");
  EXPECT_EQ(read_job(folder / "job.toml", {}).data.train.file, folder / "a.npz:x");
}

TEST(Job, KnowsWhichKeysAreGivenAndWhichFilesNamed) {
  const Job job = read("[problem]\ncost = \"squared_euclidean\"\n[data]\ntrain = {file = \"x\"}\n",
                       {"files.checkpoint=y"});
  EXPECT_TRUE(job.sets("problem.cost"));
  EXPECT_TRUE(job.sets("files.checkpoint"));
  EXPECT_FALSE(job.sets("problem.geometry"));
  const auto files = job.named_files();
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].first, "data.train.file");
  EXPECT_EQ(files[0].second.filename(), "x");
  EXPECT_EQ(files[1], (std::pair<std::string, std::filesystem::path>{"files.checkpoint", "y"}));
}

TEST(Job, KeysThatDoNotGoTogether) {
  expect_error([] { read("[problem]\ncost = \"matrix\"\n"); },
               "problem.cost = 'matrix' needs problem.geometry = 'dense'");
  expect_error([] { read("[data.train]\ndataset = \"x\"\n"); },
               "data.train.dataset is set, but data.train.file is not");
  expect_error([] { read("[problem]\ntransported_share = 0.5\ntau_b = 0.9\n"); },
               "problem.transported_share goes with problem.tau_a = problem.tau_b = 1 only");
}

TEST(Job, ProblemsThatAreNotBalancedHaveOneSolver) {
  EXPECT_TRUE(read("").problem.balanced());
  EXPECT_NO_THROW(check_solver_fits(read("", {"solver.initializer=model"})));
  EXPECT_NO_THROW(require_balanced(read(""), "train"));
  for (const char* key :
       {"problem.tau_a=0.9", "problem.tau_b=0.5", "problem.transported_share=1"}) {
    const Job job = read("", {key});
    EXPECT_FALSE(job.problem.balanced());
    EXPECT_NO_THROW(check_solver_fits(job));
    expect_error([&] { require_balanced(job, "train"); }, "otfleet train: problem.tau_a");
    EXPECT_NO_THROW(check_solver_fits(read("", {key, "solver.initializer=gaussian"})));
    const std::pair<std::string, std::string> settings[] = {
        {"method", "newton"}, {"method", "sinkhorn"}, {"precision", "float"}};
    for (const auto& [name, value] : settings) {
      const Job other = read("", {key, "solver." + name + "=" + value});
      expect_error([&] { check_solver_fits(other); },
                   "solver." + name + " = '" + value + "' is for balanced problems");
    }
  }
}

TEST(Job, UnreadableFilesNameFileAndLine) {
  const TemporaryFolder folder;
  expect_error([&] { read_job(folder / "none.toml", {}); }, "none.toml: no such job file");
  expect_error([&] { read_job(folder.path(), {}); }, "cannot be read as a job file");
  expect_error([] { read("seed = 1\n[problem\n"); }, "job.toml:2: ");
  expect_error([] { read("seed = 1\nseed = 2\n"); }, "job.toml:2: ");
  expect_error([] { read("seed = 1\n\xff\n"); }, "job.toml:", "invalid utf-8");
}

TEST(NearestName, KeepsToNamesThatAreNear) {
  EXPECT_EQ(nearest_name("mak", {"make", "solve"}), "make");
  EXPECT_EQ(nearest_name("x", {"make", "solve"}), "");
  EXPECT_EQ(nearest_name("", {"make"}), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'x'), {"make"}), "");
}

}  // namespace
}  // namespace otfleet
