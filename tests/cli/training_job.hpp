#pragma once
#include <signal.h>

#include <chrono>
#include <thread>

#include "tests/cli/pipeline.hpp"

namespace otfleet::testing {

/// A folder with job.toml, whose training on two ranks is in job-out/train.
class TrainingJob : public ::testing::Test {
 protected:
  static void train_job(const std::string& job) {
    folder_ = std::make_unique<TemporaryFolder>();
    write_bytes(path("job.toml"), job);
    const auto result = run({"train", "job.toml"}, 2);
    ASSERT_EQ(result.code, 0) << result.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::filesystem::path path(const std::string& name) { return *folder_ / name; }
  static ProgramResult run(const Words& words, int ranks = 1) {
    return ranks == 1 ? run_otfleet(words, folder_->path())
                      : run_otfleet_on_ranks(ranks, words, folder_->path());
  }
  /// On the model of job-out/train.
  static Words words(const std::string& command, const std::string& output,
                     const Words& overrides = {}, const std::string& job = "job.toml") {
    Words all = {command, job,     "--output",
                 output,  "--set", "files.checkpoint=job-out/train/model.h5"};
    for (const auto& one : overrides) all.insert(all.end(), {"--set", one});
    return all;
  }
  static nlohmann::json report(const std::string& output) {
    return nlohmann::json::parse(read_bytes(path(output + "/report.json")));
  }
  static std::vector<double> column(const std::string& output, const std::string& name) {
    return distributed::Hdf5File::open(path(output) / "solution.h5")
        .read<double>("/solution/" + name);
  }
  static void expect_refused(const Words& words, const std::string& part) {
    const auto result = run(words);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_EQ(count_of(result.err, "\n"), 1u) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  }
  /// Kills a training when it has saved something, runs it again, and expects that it goes on.
  static void kill_and_go_on(const Words& train, const std::string& output) {
    Words often = train;
    often.insert(often.end(), {"--set", "train.checkpoint_seconds=0.01"});
    Words program = often;
    program.insert(program.begin(), OTFLEET_PROGRAM);
    StartedProgram started(program, folder_->path());
    const auto has_saved = [&] {
      std::error_code ignored;
      for (const auto& entry : std::filesystem::directory_iterator(path(output), ignored))
        if (entry.path().filename().string().starts_with("training-") &&
            entry.path().extension() == ".h5")
          return true;
      return false;
    };
    while (started.running() && !has_saved())
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    started.send(SIGKILL);
    ASSERT_NE(started.wait().code, 0) << "it ended before it could be killed";
    const auto resumed = run(often);
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_NE(resumed.err.find("going on at step"), std::string::npos) << resumed.err;
  }

  static inline std::unique_ptr<TemporaryFolder> folder_;
};

}  // namespace otfleet::testing
