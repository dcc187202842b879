// Training that is killed goes on where its last checkpoint stood.
#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/cli/pipeline.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::ProgramResult;
using testing::read_bytes;
using testing::StartedProgram;
using testing::Words;
using testing::words_on_ranks;
using testing::write_bytes;

// mpirun takes a second or two to end its ranks: the run must last well beyond that.
constexpr int steps = 2000;

class Resume : public testing::PipelineTest {
 protected:
  static Words train(const std::string& output, const Words& overrides = {}) {
    Words all = {"train.steps=" + std::to_string(steps)};
    all.insert(all.end(), overrides.begin(), overrides.end());
    return words("train", output, all);
  }

  /// Starts a training that saves after every step, and ends it by `signal` once it has `saves`.
  static void train_and_kill(const std::string& output, int ranks, int signal,
                             std::size_t saves = 1) {
    Words command = train(output, {"train.checkpoint_seconds=0"});
    command.insert(command.begin(), OTFLEET_PROGRAM);
    if (ranks > 1) command = words_on_ranks(ranks, {command.begin() + 1, command.end()});
    StartedProgram program(command, folder_->path());
    while (program.running() && checkpoints(output).size() < saves)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    program.send(signal);
    const auto result = program.wait();
    ASSERT_NE(result.code, 0) << "it was done before it could be killed";
    ASSERT_GE(checkpoints(output).size(), saves) << result.err;
    ASSERT_FALSE(std::filesystem::exists(path(output) / "model.h5"));
    const auto saved = saved_steps(output);
    EXPECT_GT(saved, 0);
    EXPECT_LT(saved, steps);
  }

  static double saved_steps(const std::string& output) {
    return Hdf5File::open(checkpoints(output).back()).number_attribute("/training", "step").value();
  }

  static void expect_going_on(const ProgramResult& result, double step) {
    ASSERT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(testing::count_of(result.err,
                                "going on at step " + std::to_string(static_cast<int>(step)) + " "),
              1u)
        << result.err;
  }

  static void expect_same_weights(const std::string& first, const std::string& second) {
    const auto a = Hdf5File::open(path(first) / "model.h5");
    const auto b = Hdf5File::open(path(second) / "model.h5");
    const auto names = a.children("/model/parameters");
    EXPECT_EQ(names.size(), 6u);
    EXPECT_EQ(names, b.children("/model/parameters"));
    for (const auto& name : names) {
      const auto dataset = "/model/parameters/" + name;
      EXPECT_EQ(a.read<float>(dataset), b.read<float>(dataset)) << name;
    }
  }
};

TEST_F(Resume, KilledTrainingEndsAsIfUnbroken) {
  for (const int ranks : {1, 2}) {
    const auto whole = "whole" + std::to_string(ranks), broken = "broken" + std::to_string(ranks);
    const auto unbroken = run(train(whole), ranks);
    ASSERT_EQ(unbroken.code, 0) << unbroken.err;
    EXPECT_EQ(testing::count_of(unbroken.err, "going on"), 0u) << unbroken.err;
    // mpirun cannot pass SIGKILL on, and the ranks it leaves would go on writing.
    train_and_kill(broken, ranks, ranks == 1 ? SIGKILL : SIGTERM);
    const double saved = saved_steps(broken);
    const auto resumed = run(train(broken), ranks);
    expect_going_on(resumed, saved);
    EXPECT_TRUE(checkpoints(broken).empty());
    const auto report = read_report(broken);
    EXPECT_EQ(report["steps"], steps);
    EXPECT_EQ(report["history"].back()["step"], steps);
    expect_same_weights(whole, broken);
  }
}

TEST_F(Resume, ADamagedCheckpointCostsTheStepsSinceTheOneBefore) {
  ASSERT_EQ(run(train("whole")).code, 0);
  train_and_kill("broken", 1, SIGKILL, 3);
  auto files = checkpoints("broken");
  // train.keep_checkpoints; one more where it was killed before the oldest was removed.
  ASSERT_GE(files.size(), 3u);
  ASSERT_LE(files.size(), 4u);
  files.erase(files.begin(), files.end() - 3);
  // The newest lost its end, the one before a bit somewhere in its weights.
  const auto newest = read_bytes(files[2]);
  write_bytes(files[2], newest.substr(0, newest.size() / 2));
  auto flipped = read_bytes(files[1]);
  flipped[flipped.size() / 2] ^= 4;
  write_bytes(files[1], flipped);
  const double saved = Hdf5File::open(files[0]).number_attribute("/training", "step").value();
  const auto resumed = run(train("broken"), 2);  // on another number of ranks
  expect_going_on(resumed, saved);
  for (const auto& file : {files[1], files[2]})
    EXPECT_EQ(testing::count_of(resumed.err, file.filename().string()), 1u) << resumed.err;
  EXPECT_EQ(read_report("broken")["steps"], steps);
  EXPECT_TRUE(checkpoints("broken").empty());
}

TEST_F(Resume, AnotherJobStartsAnew) {
  train_and_kill("first", 1, SIGKILL);
  const auto saved = checkpoints("first");
  const Words other = {"train.steps=20", "train.learning_rate=2e-3"};
  const auto result = run(train("first", other));
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("is of another job"), std::string::npos) << result.err;
  EXPECT_EQ(testing::count_of(result.err, "going on"), 0u) << result.err;
  EXPECT_EQ(read_report("first")["steps"], 20);
  // What the first job has saved is left to it.
  EXPECT_EQ(checkpoints("first"), saved);
  ASSERT_EQ(run(train("fresh", other)).code, 0);
  expect_same_weights("first", "fresh");
  const double step = saved_steps("first");
  expect_going_on(run(train("first")), step);
  EXPECT_TRUE(checkpoints("first").empty());
}

}  // namespace
}  // namespace otfleet
