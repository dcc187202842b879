// Training that is killed goes on where its last checkpoint stood.
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

  /// Starts a training that saves after every step, and ends it by `signal` once it has saved.
  static void train_and_kill(const std::string& output, int ranks, int signal) {
    Words command = train(output, {"train.checkpoint_seconds=0"});
    command.insert(command.begin(), OTFLEET_PROGRAM);
    if (ranks > 1) command = words_on_ranks(ranks, {command.begin() + 1, command.end()});
    StartedProgram program(command, folder_->path());
    while (program.running() && !std::filesystem::exists(path(output) / "training.h5"))
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    program.send(signal);
    const auto result = program.wait();
    ASSERT_NE(result.code, 0) << "it was done before it could be killed";
    ASSERT_TRUE(std::filesystem::exists(path(output) / "training.h5")) << result.err;
    ASSERT_FALSE(std::filesystem::exists(path(output) / "model.h5"));
    const auto saved = saved_steps(output);
    EXPECT_GT(saved, 0);
    EXPECT_LT(saved, steps);
  }

  static double saved_steps(const std::string& output) {
    return Hdf5File::open(path(output) / "training.h5")
        .number_attribute("/training", "step")
        .value();
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
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(testing::count_of(
                  resumed.err, "going on at step " + std::to_string(static_cast<int>(saved)) + " "),
              1u)
        << resumed.err;
    EXPECT_FALSE(std::filesystem::exists(path(broken) / "training.h5"));
    const auto report = read_report(broken);
    EXPECT_EQ(report["steps"], steps);
    EXPECT_EQ(report["history"].back()["step"], steps);
    expect_same_weights(whole, broken);
  }
}

TEST_F(Resume, AnotherJobOrADamagedFileStartsAnew) {
  train_and_kill("first", 1, SIGKILL);
  const auto bytes = read_bytes(path("first/training.h5"));
  const auto go_on = [&](const std::string& output, const std::string& unfinished,
                         const Words& overrides) {
    std::filesystem::create_directory(path(output));
    write_bytes(path(output) / "training.h5", unfinished);
    const auto result = run(train(output, overrides));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_FALSE(std::filesystem::exists(path(output) / "training.h5"));
    EXPECT_EQ(read_report(output)["steps"], 20);
    return result;
  };
  const Words other = {"train.steps=20", "train.learning_rate=2e-3"};
  const auto result = go_on("other", bytes, other);
  EXPECT_NE(result.err.find("other/training.h5 is of another job; training starts anew"),
            std::string::npos)
      << result.err;
  ASSERT_EQ(run(train("fresh", other)).code, 0);
  expect_same_weights("other", "fresh");

  const auto damaged = go_on("damaged", bytes.substr(0, bytes.size() / 2), other);
  EXPECT_NE(damaged.err.find("training starts anew"), std::string::npos) << damaged.err;
  expect_same_weights("damaged", "fresh");
}

}  // namespace
}  // namespace otfleet
