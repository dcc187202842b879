// The program as a user meets it: every command line here runs the real otfleet.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "distributed/hdf5_file.hpp"
#include "src/populations/population.hpp"
#include "tests/cli/run_program.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::bytes_of;
using testing::idx;
using testing::npy;
using testing::npy_header;
using testing::ProgramResult;
using testing::read_bytes;
using testing::run_otfleet;
using testing::run_otfleet_on_ranks;
using testing::TemporaryFolder;
using testing::write_bytes;
using testing::write_gzip;
using Words = std::vector<std::string>;

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class CommandLine : public ::testing::Test {
 protected:
  /// Four images of 2 x 3 pixels in every format, and a job on the first.
  CommandLine() {
    const std::vector<std::uint8_t> pixels = {1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 9,
                                              7, 0, 7, 0, 7, 0, 1, 1, 1, 1, 1, 1};
    auto file = Hdf5File::create(folder_ / "images.h5");
    file.write<std::uint8_t>("/train", {4, 2, 3}, pixels);
    file.close();
    write_bytes(folder_ / "images.npy", npy(npy_header("|u1", "(4, 2, 3)"), bytes_of(pixels)));
    write_bytes(folder_ / "images.idx", idx(0x08, {4, 2, 3}, bytes_of(pixels)));
    write_gzip(folder_ / "images.idx.gz", idx(0x08, {4, 2, 3}, bytes_of(pixels)));
    write_bytes(folder_ / "job.toml",
                "[data]\ntrain = { file = \"images.npy\" }\ntest = { file = \"images.npy\" }\n"
                "[make]\ntrain_problems = 12\ntest_problems = 5\n");
  }

  /// A file of doubles, [count / 6, 2, 3].
  void write_images(const std::string& name, const std::vector<double>& values) {
    std::string shape = "(";
    shape += std::to_string(values.size() / 6);
    shape += ", 2, 3)";
    write_bytes(folder_ / name, npy(npy_header("<f8", shape), bytes_of(values)));
  }

  ProgramResult run(const Words& words) { return run_otfleet(words, folder_.path()); }

  /// `otfleet make job.toml` with more words.
  static Words make(const Words& more = {}) {
    Words words = {"make", "job.toml", "--output", "out"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  /// Exit code 2, one line on stderr with every part, nothing on stdout, no file in the output.
  template <class... Parts>
  void expect_refused(const Words& words, const Parts&... parts) {
    const auto result = run(words);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(count_of(result.err, "\n"), 1u) << result.err;
    EXPECT_EQ(result.err.rfind("otfleet: ", 0), 0u) << result.err;
    for (const std::string& part : {std::string(parts)...}) {
      EXPECT_NE(result.err.find(part), std::string::npos)
          << "no '" << part << "' in: " << result.err;
    }
    if (std::filesystem::is_directory(folder_ / "out")) {
      EXPECT_TRUE(std::filesystem::is_empty(folder_ / "out"));
    }
  }

  TemporaryFolder folder_;
};

TEST_F(CommandLine, HelpVersionAndKeys) {
  for (const Words& words : {Words{"--help"}, Words{"make", "--help"}, Words{"solve", "-h"}}) {
    const auto result = run(words);
    EXPECT_EQ(result.code, 0);
    EXPECT_NE(result.out.find("Usage: otfleet"), std::string::npos) << result.out;
    EXPECT_EQ(result.err, "");
  }
  for (const char* command : {"make", "train", "solve", "evaluate", "info", "Exit codes: 0 done"}) {
    EXPECT_NE(run({"--help"}).out.find(command), std::string::npos);
  }
  const auto version = run({"--version"});
  EXPECT_EQ(version.code, 0);
  for (const char* part : {"otfleet ", "revision ", "kokkos: ", "libtorch: ", "hdf5: ", "mpi: "}) {
    EXPECT_NE(version.out.find(part), std::string::npos) << version.out;
  }
  EXPECT_NE(run({"--keys"}).out.find("solver.threshold"), std::string::npos);
}

TEST_F(CommandLine, SelfTestSaysWhatItChecked) {
  const auto result = run({"--self-test"});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* part : {"device: ", "ok: sizes and offsets of Views", "ok: a prefix sum",
                           "ok: LibTorch uses the same device", "MPI ", " checks of kernels in "})
    EXPECT_NE(result.out.find(part), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("fault"), std::string::npos) << result.out;
}

TEST_F(CommandLine, MakeReadsEveryFormat) {
  for (const Words& source : {Words{"images.h5", "train"}, Words{"images.npy", ""},
                              Words{"images.idx", ""}, Words{"images.idx.gz", ""}}) {
    const auto result = run(make(
        {"--set", "data.train.file=" + source[0], "--set", "data.train.dataset=" + source[1]}));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    const auto train = read_population(folder_ / "out/train.h5");
    EXPECT_EQ(train.problems(), 12);
    EXPECT_EQ(train.source_measures, 4);
    EXPECT_EQ(train.geometry.axes, (std::vector<std::vector<double>>{{0, 0.5}, {0, 0.5, 1}}));
    EXPECT_EQ(train.source_weights[11], 1.0);
    EXPECT_EQ(read_population(folder_ / "out/test.h5").problems(), 5);
    std::filesystem::remove_all(folder_ / "out");
  }
}

TEST_F(CommandLine, MakeLeavesAReport) {
  EXPECT_EQ(run({"make", "job.toml"}).code, 0);  // to the default folder
  const auto report = nlohmann::json::parse(read_bytes(folder_ / "job-out/make/report.json"));
  EXPECT_EQ(report["command"], "make");
  EXPECT_EQ(report["train"]["measures"], 4);
  EXPECT_EQ(report["train"]["problems"], 12);
  EXPECT_EQ(report["train"]["points"], 6);
  EXPECT_EQ(report["train"]["file"], "job-out/make/train.h5");
  EXPECT_EQ(report["test"]["problems"], 5);
  EXPECT_EQ(report["ranks"], 1);
  EXPECT_EQ(report["configuration"]["make"]["train_problems"], 12);
  EXPECT_TRUE(report["versions"].contains("libtorch"));
  EXPECT_TRUE(report.contains("revision"));
  EXPECT_TRUE(report.contains("execution_space"));
  EXPECT_GE(report["seconds"]["build"].get<double>(), 0.0);
}

TEST_F(CommandLine, QuietPrintsNothing) {
  const auto result = run(make({"--quiet"}));
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out + result.err, "");
}

TEST_F(CommandLine, EitherPopulationMayBeAbsent) {
  EXPECT_EQ(run(make({"--set", "data.test.file="})).code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out/train.h5"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out/test.h5"));
  std::filesystem::remove_all(folder_ / "out");
  expect_refused(make({"--set", "data.test.file=", "--set", "data.train.file="}),
                 "data.train and data.test are both missing");
}

TEST_F(CommandLine, InfoShowsWhatAFileHolds) {
  ASSERT_EQ(run(make()).code, 0);
  const auto population = run({"info", "out/train.h5"});
  EXPECT_EQ(population.code, 0) << population.err;
  for (const char* part : {"out/train.h5: population", "/measures/weights", "[4, 6]", "float64",
                           "grid [2, 3], n = 6, m = 6", "measures: 4", "problems: 12"}) {
    EXPECT_NE(population.out.find(part), std::string::npos) << population.out;
  }

  auto file = Hdf5File::create(folder_ / "solution.h5");
  file.set_attribute("/", "otfleet_kind", std::string("solution"));
  file.create_group("/solution");
  file.set_attribute("/solution", "status_1", std::string("out of iterations"));
  file.write<std::int32_t>("/solution/status", {4}, std::vector<std::int32_t>{0, 1, 0, 0});
  file.write<double>("/solution/marginal_error", {4}, std::vector<double>{0.1, 0.5, NAN, 0.3});
  file.write<double>("/plan/kept_mass", {3}, std::vector<double>{0.5, 0.75, NAN});
  file.close();
  const auto solution = run({"info", "solution.h5"});
  EXPECT_EQ(solution.code, 0) << solution.err;
  for (const char* part :
       {"solution.h5: solution", "status 0 (converged): 3", "status 1 (out of iterations): 1",
        "largest marginal error: 0.5", "marginal errors that are NaN: 1", "/plan/kept_mass",
        "mass of the plans that is kept: 0.625 on average, at least 0.5",
        "plans that are NaN: 1"}) {
    EXPECT_NE(solution.out.find(part), std::string::npos) << solution.out;
  }

  file = Hdf5File::create(folder_ / "model.h5");
  file.write<float>("/model/layer_0", {2, 2}, std::vector<float>(4));
  file.close();
  EXPECT_NE(run({"info", "model.h5"}).out.find("model.h5: checkpoint"), std::string::npos);
}

TEST_F(CommandLine, UsageErrors) {
  expect_refused({}, "subcommand is required; see otfleet --help");
  expect_refused({"mak", "job.toml"}, "no command 'mak'; did you mean 'make'?");
  expect_refused({"frobnicate"}, "no command 'frobnicate'; see otfleet --help");
  expect_refused({"--frobnicate"}, "see otfleet --help");
  expect_refused({"make"}, "job is required");
  expect_refused({"make", "job.toml", "--bogus"}, "--bogus");
  expect_refused({"make", "job.toml", "other.toml"}, "other.toml");
  expect_refused({"make", "job.toml", "--set"}, "--set");
  expect_refused({"info"}, "file is required");
}

TEST_F(CommandLine, JobErrors) {
  expect_refused({"make", "none.toml"}, "none.toml: no such job file");
  expect_refused(make({"--set", "solver.treshold=1"}),
                 "unknown key 'solver.treshold'; did you mean 'solver.threshold'?");
  expect_refused(make({"--set", "problem.epsilon=-1"}), "--set problem.epsilon=-1: must be > 0");
  expect_refused(make({"--set", "problem.epsilon=0"}), "--set problem.epsilon=0: must be > 0");
  expect_refused(make({"--set", "make.train_problems=many"}), "must be an integer, not a string");
  expect_refused(make({"--set", "seed"}), "must have the form key.path=value");
  write_bytes(folder_ / "job.toml", "[data\n");
  expect_refused(make(), "job.toml:1: ");
  write_bytes(folder_ / "job.toml", "[problem]\nepsilon = -1\n");
  expect_refused(make(), "job.toml: problem.epsilon = -1: must be > 0");
  write_bytes(folder_ / "job.toml", "[solver]\ntreshold = 1\n");
  expect_refused(make(),
                 "job.toml: unknown key 'solver.treshold'; did you mean 'solver.threshold'?");
}

TEST_F(CommandLine, FilesThatAreNotWhatTheyShouldBe) {
  const auto train = [](const std::string& file, const std::string& dataset = "") {
    return make({"--set", "data.train.file=" + file, "--set", "data.train.dataset=" + dataset});
  };
  expect_refused(train("none.npy"), "none.npy: no such file");
  expect_refused(train("job.toml"), "job.toml: is none of HDF5 (.h5, .h5ad), NumPy .npy, ");
  expect_refused(train("images.h5"),
                 "needs a dataset's name, as in images.h5:NAME; it holds /train");
  expect_refused(train("images.h5", "trian"), "no dataset 'trian'; it holds /train");
  expect_refused(train("images.npy", "train"), "neither an HDF5 file nor an .npz archive");

  const auto hdf5 = read_bytes(folder_ / "images.h5");
  write_bytes(folder_ / "short.h5", hdf5.substr(0, hdf5.size() / 2));
  expect_refused(train("short.h5", "train"), "short.h5");
  const auto array = read_bytes(folder_ / "images.npy");
  write_bytes(folder_ / "short.npy", array.substr(0, array.size() - 1));
  expect_refused(train("short.npy"), "short.npy: truncated");
  const auto packed = read_bytes(folder_ / "images.idx.gz");
  write_bytes(folder_ / "short.idx.gz", packed.substr(0, packed.size() - 9));
  expect_refused(train("short.idx.gz"), "short.idx.gz: truncated");

  write_bytes(folder_ / "flat.npy", npy(npy_header("|u1", "(6,)"), "abcdef"));
  expect_refused(train("flat.npy"), "images.npy: measures on other points (2 x 3) than those of",
                 "flat.npy (6)");
  write_bytes(folder_ / "empty.npy", npy(npy_header("|u1", "(0, 2, 3)"), ""));
  expect_refused(train("empty.npy"), "empty.npy: has shape [0, 2, 3], which is empty");
  write_bytes(folder_ / "complex.npy", npy(npy_header("<c16", "(1, 1)"), std::string(16, 'a')));
  expect_refused(train("complex.npy"), "complex.npy: unsupported .npy type '<c16'");
  write_bytes(folder_ / "other.npy", npy(npy_header("|u1", "(1, 3, 3)"), "abcdefghi"));
  expect_refused(train("other.npy"), "images.npy", "measures on other points (2 x 3) than those of",
                 "other.npy (3 x 3)");
}

TEST_F(CommandLine, WeightsThatAreNoMeasureNameTheInstance) {
  const auto inf = std::numeric_limits<double>::infinity();
  const auto refused = [&](double weight, const std::string& message) {
    write_images("bad.npy", {1, 1, 1, 1, 1, 1, 1, 1, 1, weight, 1, 1});
    expect_refused(make({"--set", "data.train.file=bad.npy"}), "bad.npy row 1 has " + message);
    // Also when only the second population is bad, the first is not written.
    expect_refused(make({"--set", "data.test.file=bad.npy"}), "bad.npy row 1 has " + message);
  };
  refused(-0.2, "a negative weight (-0.2 at point 3)");
  refused(std::nan(""), "a NaN (nan at point 3)");
  refused(inf, "an infinite weight (inf at point 3)");
  write_images("bad.npy", {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0});
  expect_refused(make({"--set", "data.train.file=bad.npy"}), "bad.npy row 1 has only zero weights");
}

TEST_F(CommandLine, InfoRefusesWhatItDoesNotKnow) {
  expect_refused({"info", "none.h5"}, "none.h5");
  expect_refused({"info", "job.toml"}, "job.toml");
  expect_refused({"info", "images.h5"}, "images.h5: not a file of otfleet");
  ASSERT_EQ(run(make()).code, 0);
  const auto bytes = read_bytes(folder_ / "out/train.h5");
  write_bytes(folder_ / "short.h5", bytes.substr(0, bytes.size() / 2));
  auto bad = read_population(folder_ / "out/train.h5");
  bad.source_weights[7] = -1;
  write_population(folder_ / "bad.h5", bad);
  std::filesystem::remove_all(folder_ / "out");
  expect_refused({"info", "short.h5"}, "short.h5");
  expect_refused({"info", "bad.h5"}, "bad.h5: /measures/weights row 1 has a negative weight");
}

/// What could not be printed is no success.
TEST_F(CommandLine, StdoutThatCannotBeWritten) {
  ASSERT_EQ(run({"make", "job.toml", "--output", "made"}).code, 0);
  const auto result_of = [&](const std::string& words, const std::string& redirection) {
    return testing::run_words(
        {"bash", "-c", std::string(OTFLEET_PROGRAM) + " " + words + redirection}, folder_.path());
  };
  for (const char* words : {"--help", "--version", "--keys", "solve --help", "info made/test.h5",
                            "make job.toml --output made"})
    for (const char* redirection : {" >/dev/full", " >&-"}) {
      const auto result = result_of(words, redirection);
      EXPECT_EQ(result.code, 2) << words << redirection;
      EXPECT_EQ(count_of(result.err, "otfleet: standard output: cannot be written"), 1u)
          << words << redirection << ": " << result.err;
      EXPECT_EQ(count_of(result.err, "\n"), 1u) << result.err;
    }
  // Where nothing is printed, nothing is missing; and no file takes the place of a closed stdout.
  EXPECT_EQ(result_of("make job.toml --output made --quiet", " >&-").code, 0);
  EXPECT_EQ(run({"info", "made/test.h5"}).code, 0);
}

TEST_F(CommandLine, EmptyNames) {
  for (const Words& words : {Words{"make", "job.toml", "--output", ""}, Words{"make", ""},
                             Words{"make", "job.toml", "--output="}, Words{"info", ""}}) {
    const auto result = run(words);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(count_of(result.err, "\n"), 1u) << result.err;
  }
  EXPECT_NE(run({"make", "job.toml", "--output", ""}).err.find("--output: is empty"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "job-out"));
}

TEST_F(CommandLine, OutputThatCannotBeMade) {
  write_bytes(folder_ / "file", "");
  expect_refused({"make", "job.toml", "--output", "file"}, "--output file: cannot write there");
  expect_refused({"make", "job.toml", "--output", "file/below"},
                 "--output file/below: cannot write there");
}

TEST_F(CommandLine, RanksMakeTheSameFileAsOne) {
  ASSERT_EQ(run(make()).code, 0);
  const auto alone = read_population(folder_ / "out/train.h5");
  for (const int ranks : {2, 3}) {
    const auto result = run_otfleet_on_ranks(ranks, make(), folder_.path());
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(count_of(result.out, "train.h5"), 1u);
    EXPECT_EQ(read_population(folder_ / "out/train.h5").target, alone.target);
    EXPECT_EQ(nlohmann::json::parse(read_bytes(folder_ / "out/report.json"))["ranks"], ranks);
  }
}

TEST_F(CommandLine, RanksPrintAnErrorOnceAndEnd) {
  write_bytes(folder_ / "file", "");
  const std::pair<Words, std::string> cases[] = {
      {make({"--set", "solver.treshold=1"}), "unknown key 'solver.treshold'"},
      {make({"--set", "data.train.file=none.npy"}), "none.npy: no such file"},
      {{"make", "job.toml", "--output", "file/below"}, "cannot write there"},
      {{"mak", "job.toml"}, "no command 'mak'"},
      {{"info", "images.h5"}, "not a file of otfleet"}};
  for (const auto& [words, message] : cases) {
    for (const int ranks : {2, 3}) {
      const auto result = run_otfleet_on_ranks(ranks, words, folder_.path());
      EXPECT_EQ(result.code, 2);
      EXPECT_EQ(result.out, "");
      EXPECT_EQ(count_of(result.err, "otfleet: "), 1u) << result.err;
      EXPECT_EQ(count_of(result.err, message), 1u) << result.err;
      EXPECT_EQ(count_of(result.err, "MPI_ABORT"), 0u) << result.err;
    }
  }
}

}  // namespace
}  // namespace otfleet
