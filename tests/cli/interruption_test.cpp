// Signals that ask to end: training ends in order and can go on; other commands leave nothing
// behind.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "tests/cli/pipeline.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using testing::count_of;
using testing::ProgramResult;
using testing::read_bytes;
using testing::StartedProgram;
using testing::Words;
using testing::words_on_ranks;

constexpr int interrupted = 75;

class Interruption : public testing::PipelineTest {
 protected:
  /// Starts a program, waits until `ready`, has `interrupt` send the signal, waits for the end.
  static ProgramResult run_and_interrupt(const Words& words, const std::function<bool()>& ready,
                                         const std::function<void(StartedProgram&)>& interrupt) {
    StartedProgram program(words, folder_->path());
    while (program.running() && !ready()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    interrupt(program);
    return program.wait();
  }

  static Words alone(Words words) {
    words.insert(words.begin(), OTFLEET_PROGRAM);
    return words;
  }

  /// A training without end that saves after every step.
  static Words endless_training(const std::string& output) {
    return words("train", output, {"train.steps=1000000000", "train.checkpoint_seconds=0"});
  }

  static bool has_saved(const std::string& output) { return !checkpoints(output).empty(); }

  /// The step that the saved state is at, which the program has to have named.
  static int saved_step(const std::string& output, const ProgramResult& result) {
    EXPECT_EQ(result.out, "");
    const int step = static_cast<int>(
        Hdf5File::open(checkpoints(output).back()).number_attribute("/training", "step").value());
    EXPECT_EQ(count_of(result.err, "asked to end at step " + std::to_string(step) + ";"), 1u)
        << result.err;
    EXPECT_FALSE(std::filesystem::exists(path(output) / "model.h5"));
    EXPECT_FALSE(std::filesystem::exists(path(output) / "report.json"));
    return step;
  }

  /// Plain iterations at a tiny epsilon come closer for minutes.
  static Words endless_solve(const std::string& output) {
    return words(
        "solve", output,
        {"solver.initializer=zeros", "solver.method=sinkhorn", "solver.threshold=1e-300",
         "solver.max_iterations=1000000000", "problem.epsilon=1e-7", "solver.acceleration=none"});
  }
};

TEST_F(Interruption, TrainingSavesItsLastStepAndGoesOn) {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP}) {
    const auto output = "asked" + std::to_string(signal);
    const auto result = run_and_interrupt(
        alone(endless_training(output)), [&] { return has_saved(output); },
        [&](StartedProgram& program) { program.send(signal); });
    EXPECT_EQ(result.code, interrupted) << result.err;
    const int saved = saved_step(output, result);
    const int steps = saved + 5;
    const auto resumed = run(words("train", output, {"train.steps=" + std::to_string(steps)}));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(count_of(resumed.err, "going on at step " + std::to_string(saved) + " "), 1u)
        << resumed.err;
    const auto report = read_report(output);
    EXPECT_EQ(report["steps"], steps);
    // The figures of the steps since the last line of the log are not lost.
    const auto& history = report["history"];
    EXPECT_TRUE(std::any_of(history.begin(), history.end(), [&](const auto& row) {
      return row["step"] == saved;
    })) << history;
  }
}

TEST_F(Interruption, OneRankThatIsAskedEndsTrainingOnAll) {
  const Words train = endless_training("one-of-two");
  Words command = words_on_ranks(1, train);
  command.insert(command.end(), {":", OTFLEET_MPIEXEC_COUNT_FLAG, "1", "bash", "-c",
                                 "echo $$ >second.pid; exec \"$0\" \"$@\"", OTFLEET_PROGRAM});
  command.insert(command.end(), train.begin(), train.end());
  const auto result = run_and_interrupt(
      command, [] { return has_saved("one-of-two"); },
      [](StartedProgram&) { ::kill(std::stoi(read_bytes(path("second.pid"))), SIGUSR1); });
  EXPECT_EQ(result.code, interrupted) << result.err;
  EXPECT_GT(saved_step("one-of-two", result), 0);
}

/// To mpirun, which kills its ranks a second after it has passed these on as SIGTERM, and exits
/// with a code of its own; SIGUSR1 it passes on as it is.
TEST_F(Interruption, AskedThroughMpirunAllRanksSaveAndSaySo) {
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP}) {
    const auto output = "mpirun" + std::to_string(signal);
    const auto result = run_and_interrupt(
        words_on_ranks(2, endless_training(output)), [&] { return has_saved(output); },
        [&](StartedProgram& program) { program.send(signal); });
    EXPECT_EQ(result.code == interrupted, signal == SIGUSR1) << result.err;
    EXPECT_GT(saved_step(output, result), 0);
  }
}

/// Ctrl-C reaches the group of a program, and its ranks through mpirun.
TEST_F(Interruption, CtrlCInATerminal) {
  for (const bool on_ranks : {false, true}) {
    const std::string output = on_ranks ? "keys-ranks" : "keys-alone";
    const Words train = endless_training(output);
    Words command = on_ranks ? words_on_ranks(2, train) : alone(train);
    command.insert(command.begin(), "setsid");
    const auto result = run_and_interrupt(
        command, [&] { return has_saved(output); },
        [](StartedProgram& program) { program.send_to_group(SIGINT); });
    EXPECT_EQ(result.code == interrupted, !on_ranks) << result.err;
    EXPECT_GT(saved_step(output, result), 0);
  }
}

TEST_F(Interruption, NohupIsRespected) {
  Words command =
      alone(words("train", "nohup", {"train.steps=3000", "train.checkpoint_seconds=0"}));
  command.insert(command.begin(), "nohup");
  const auto result = run_and_interrupt(
      command, [] { return has_saved("nohup"); },
      [](StartedProgram& program) { program.send(SIGHUP); });
  EXPECT_EQ(result.code, 0) << result.err;
}

/// A block that takes forever is ended where it is, with its potentials saved.
TEST_F(Interruption, SolveEndsInTheMiddleOfABlock) {
  const Words solve = endless_solve("half");
  StartedProgram program(words_on_ranks(2, solve), folder_->path());
  while (program.running() && count_of(program.said(), "solver.method asks for it") == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  program.send(SIGUSR1);
  const auto result = program.wait();
  EXPECT_EQ(result.code, interrupted) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(count_of(result.err, "otfleet: solve: asked to end; 0 of 30 problems are solved"), 1u)
      << result.err;
  EXPECT_FALSE(std::filesystem::exists(path("half") / "solution.h5"));
  EXPECT_FALSE(std::filesystem::is_empty(path("half") / "solution.parts"));
}

}  // namespace
}  // namespace otfleet
