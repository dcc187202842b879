#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>

#include "distributed/hdf5_file.hpp"
#include "kernels/counter_random.hpp"
#include "src/populations/population.hpp"
#include "tests/cli/run_program.hpp"

namespace otfleet::testing {

using Words = std::vector<std::string>;

inline std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// A .npy file of images with one bright spot each.
inline void write_spots(const std::filesystem::path& file, int images, int side, int seed) {
  const kernels::CounterRandom random(static_cast<std::uint64_t>(seed), 0);
  std::vector<std::uint8_t> pixels;
  for (int k = 0; k < images; ++k) {
    const auto draw = [&](int which) {
      return random.uniform(static_cast<std::uint64_t>(3 * k + which));
    };
    const double y = side * (0.3 + 0.4 * draw(0)), x = side * (0.3 + 0.4 * draw(1));
    const double width = side * (0.1 + 0.1 * draw(2));
    for (int v = 0; v < side; ++v)
      for (int u = 0; u < side; ++u) {
        const double distance = ((v - y) * (v - y) + (u - x) * (u - x)) / (width * width);
        pixels.push_back(static_cast<std::uint8_t>(255 * std::exp(-distance)));
      }
  }
  const auto length = std::to_string(side);
  const auto shape = "(" + std::to_string(images) + ", " + length + ", " + length + ")";
  write_bytes(file, npy(npy_header("|u1", shape), bytes_of(pixels)));
}

/// A folder with small images, a job, and what make and train left of them in job-out/. All suites
/// of a program share it, since starting otfleet is what takes the time; each test writes to an
/// output folder of its own.
class PipelineTest : public ::testing::Test {
 protected:
  static constexpr int problems = 30, points = 144;

  static void SetUpTestSuite() {
    if (folder_) return;
    folder_ = std::make_unique<TemporaryFolder>();
    write_spots(*folder_ / "train.npy", 40, 12, 1);
    write_spots(*folder_ / "test.npy", 20, 12, 2);
    write_bytes(*folder_ / "job.toml",
                "seed = 5\n"
                "[data]\ntrain = { file = \"train.npy\" }\ntest = { file = \"test.npy\" }\n"
                "[problem]\nepsilon = 0.02\n"
                "[make]\ntrain_problems = 300\ntest_problems = 30\n"
                "[model]\narchitecture = \"mlp\"\nhidden = [64, 64]\n"
                "[train]\nsteps = 300\nbatch = 32\nlog_every = 50\n"
                "[solver]\ninitializer = \"model\"\n"
                "[evaluate]\nthresholds = [1e-2, 1e-4]\ntrace_iterations = 6\npictures = 2\n");
    for (const char* command : {"make", "train"}) {
      const auto result = run({command, "job.toml"});
      ASSERT_EQ(result.code, 0) << result.err;
    }
  }

  static std::filesystem::path path(const std::string& name) { return *folder_ / name; }

  /// Alone, or under mpirun with more ranks.
  static ProgramResult run(const Words& words, int ranks = 1) {
    return ranks == 1 ? run_otfleet(words, folder_->path())
                      : run_otfleet_on_ranks(ranks, words, folder_->path());
  }

  /// `otfleet COMMAND job.toml --output OUTPUT` on the shared populations and model, with
  /// overrides.
  static Words words(const std::string& command, const std::string& output,
                     const Words& overrides = {}) {
    Words result = {command, "job.toml", "--output", output};
    Words all = {"files.train_population=job-out/make/train.h5",
                 "files.test_population=job-out/make/test.h5",
                 "files.checkpoint=job-out/train/model.h5"};
    all.insert(all.end(), overrides.begin(), overrides.end());
    for (const auto& one : all) result.insert(result.end(), {"--set", one});
    return result;
  }

  /// `otfleet solve JOB --output OUTPUT` on a population, with overrides.
  static Words solve_words(const std::string& job, const std::string& population,
                           const std::string& output, const Words& overrides = {}) {
    Words result = {"solve", job,     "--output",
                    output,  "--set", "files.test_population=" + population};
    for (const auto& one : overrides) result.insert(result.end(), {"--set", one});
    return result;
  }
  /// Did an unfinished solve leave a file whose name begins so?
  static bool left_part(const std::string& output, const std::string& beginning) {
    std::error_code ignored;
    for (const auto& entry :
         std::filesystem::directory_iterator(path(output) / "solution.parts", ignored))
      if (entry.path().filename().string().starts_with(beginning)) return true;
    return false;
  }

  /// Runs it with --quiet, expects success and silence, and returns its report.
  static nlohmann::json report_of(const std::string& command, const std::string& output,
                                  const Words& overrides = {}, int ranks = 1) {
    Words quiet = words(command, output, overrides);
    quiet.push_back("--quiet");
    const auto result = run(quiet, ranks);
    EXPECT_EQ(result.code, 0);
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(result.out, "");
    return read_report(output);
  }

  static nlohmann::json read_report(const std::string& output) {
    const auto file = path(output) / "report.json";
    EXPECT_TRUE(std::filesystem::exists(file)) << file;
    auto report = nlohmann::json::parse(read_bytes(file), nullptr, false);
    EXPECT_FALSE(report.is_discarded());
    return report;
  }

  /// What an unfinished training has saved, the oldest first.
  static std::vector<std::filesystem::path> checkpoints(const std::string& output) {
    std::vector<std::filesystem::path> files;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(path(output), ignored))
      if (entry.path().filename().string().starts_with("training-")) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

  /// What every report holds.
  static void expect_common(const nlohmann::json& report, const std::string& command, int ranks) {
    EXPECT_EQ(report["command"], command);
    EXPECT_EQ(report["ranks"], ranks);
    EXPECT_EQ(report["configuration"]["problem"]["epsilon"], 0.02);
    EXPECT_EQ(report["configuration"]["model"]["hidden"], (std::vector<int>{64, 64}));
    for (const char* part : {"otfleet", "libtorch", "kokkos", "hdf5", "mpi"})
      EXPECT_TRUE(report["versions"].contains(part)) << part;
    EXPECT_FALSE(report["revision"].get<std::string>().empty());
    EXPECT_FALSE(report["execution_space"].get<std::string>().empty());
    EXPECT_GT(report["seconds"].size(), 1u);
    for (const auto& [phase, seconds] : report["seconds"].items())
      EXPECT_GE(seconds.get<double>(), 0) << phase;
  }

  template <class Scalar = double>
  static std::vector<Scalar> column(const std::string& output, const std::string& name) {
    return distributed::Hdf5File::open(path(output) / "solution.h5")
        .read<Scalar>("/solution/" + name);
  }

  /// Exit code 2, one line on stderr with every part, nothing on stdout, nothing left in OUTPUT.
  template <class... Parts>
  static void expect_refused_on(int ranks, const Words& words, const Parts&... parts) {
    const auto result = run(words, ranks);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.out, "");
    // mpirun adds words of its own about a program that failed.
    EXPECT_TRUE(ranks > 1 || count_of(result.err, "\n") == 1) << result.err;
    EXPECT_EQ(count_of(result.err, "otfleet: "), 1u) << result.err;
    EXPECT_EQ(count_of(result.err, "MPI_ABORT"), 0u) << result.err;
    for (const std::string& part : {std::string(parts)...})
      EXPECT_NE(result.err.find(part), std::string::npos)
          << "no '" << part << "' in: " << result.err;
    const auto output = path(words[3]);
    EXPECT_TRUE(!std::filesystem::exists(output) || std::filesystem::is_empty(output))
        << words[0] << " left files";
  }

  template <class... Parts>
  static void expect_refused(const Words& words, const Parts&... parts) {
    expect_refused_on(1, words, parts...);
  }

  static inline std::unique_ptr<TemporaryFolder> folder_;
};

}  // namespace otfleet::testing
