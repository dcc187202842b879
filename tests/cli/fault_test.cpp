// Disks that are full or read-only, files that vanish or are damaged: one clear line, the same end
// on all ranks, no hang, and no damaged file under a final name. What was whole stays so.
#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/cli/many_problems.hpp"
#include "tests/distributed/small_disk.hpp"

namespace otfleet {
namespace {

using test::SmallDisk;
using testing::count_of;
using testing::ProgramResult;
using testing::read_bytes;
using testing::run_words;
using testing::StartedProgram;
using testing::Words;
using testing::words_on_ranks;
using testing::write_bytes;

class Fault : public testing::ManyProblems {
 protected:
  /// Exit code 2 and one line of otfleet's own with every part.
  template <class... Parts>
  static void expect_clear_error(const ProgramResult& result, const Parts&... parts) {
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_EQ(count_of(result.err, "otfleet: "), 1u) << result.err;
    EXPECT_EQ(count_of(result.err, "HDF5-DIAG"), 0u) << result.err;
    for (const std::string& part : {std::string(parts)...})
      EXPECT_NE(result.err.find(part), std::string::npos) << "no '" << part << "': " << result.err;
  }

  static std::size_t files_named(const std::string& folder, const std::string& part) {
    std::size_t count = 0;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path(folder), ignored))
      count += entry.path().filename().string().find(part) != std::string::npos;
    return count;
  }
};

TEST_F(Fault, AFullDiskInTheMiddleOfASolve) {
  for (const int ranks : {1, 2}) {
    const auto output = "full" + std::to_string(ranks);
    SmallDisk disk(path(output), 4000);
    REQUIRE_DISK(disk);
    expect_clear_error(run(solve(output), ranks), "solution.parts", "No space left on device");
    EXPECT_EQ(files_named(output, "solution.h5"), 0u);
    EXPECT_EQ(files_named(output, ".partial"), 0u);
    ASSERT_GT(parts(output), 0u);
    ASSERT_TRUE(disk.resize(100000));
    const auto resumed = run(solve(output), 3 - ranks);
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_GT(read_report(output)["solved_before"], 0);
    expect_whole(output);
  }
}

TEST_F(Fault, AFullDiskWhenTheSolutionIsWritten) {
  for (const int ranks : {1, 2}) {
    const auto output = "full-end" + std::to_string(ranks);
    SmallDisk disk(path(output), 4000);
    REQUIRE_DISK(disk);
    expect_clear_error(run(solve(output, {"solver.checkpoint_seconds=60"}), ranks), "solution.h5",
                       "No space left on device");
    EXPECT_EQ(files_named(output, "solution.h5"), 0u);
  }
}

TEST_F(Fault, AFullDiskForMakeAndTrain) {
  SmallDisk disk(path("full"), 40);
  REQUIRE_DISK(disk);
  expect_clear_error(run({"make", "job.toml", "--output", "full/make"}), ".h5",
                     "No space left on device");
  EXPECT_EQ(files_named("full", ".h5"), 0u);
  for (const int ranks : {1, 2}) {
    const Words train = words("train", "full/train" + std::to_string(ranks),
                              {"train.steps=1000000", "train.checkpoint_seconds=0"});
    expect_clear_error(run(train, ranks), "training-", "No space left on device");
    EXPECT_EQ(files_named("full", "model.h5"), 0u);
  }
}

TEST_F(Fault, AFolderThatIsReadOnly) {
  SmallDisk disk(path("read-only"), 1000);
  REQUIRE_DISK(disk);
  ASSERT_TRUE(disk.make_read_only());
  for (const int ranks : {1, 2})
    for (const char* command : {"make", "train", "solve", "evaluate"}) {
      expect_clear_error(run(words(command, "read-only/new"), ranks), "Read-only file system");
      expect_clear_error(run(words(command, "read-only"), ranks), "Read-only file system");
    }
}

TEST_F(Fault, AnOutputFolderThatVanishesWhileTraining) {
  const Words train =
      words("train", "vanishes", {"train.steps=1000000000", "train.checkpoint_seconds=0"});
  StartedProgram program(words_on_ranks(2, train), folder_->path());
  while (program.running() && checkpoints("vanishes").empty())
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  std::filesystem::rename(path("vanishes"), path("elsewhere"));
  expect_clear_error(program.wait(), "vanishes", "training-");
  // It is as if the training had been killed there.
  Words on = words("train", "elsewhere");
  ASSERT_FALSE(checkpoints("elsewhere").empty());
  const auto step = distributed::Hdf5File::open(checkpoints("elsewhere").back())
                        .number_attribute("/training", "step")
                        .value();
  on.insert(on.end(), {"--set", "train.steps=" + std::to_string(static_cast<int>(step) + 5)});
  const auto resumed = run(on);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(count_of(resumed.err, "going on at step "), 1u) << resumed.err;
}

TEST_F(Fault, APartThatVanishesBeforeItIsNeeded) {
  for (const int ranks : {1, 2}) {
    const auto output = "lost" + std::to_string(ranks);
    StartedProgram program(words_on_ranks(ranks, solve(output)), folder_->path());
    while (program.running() && parts(output) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto part = *std::filesystem::directory_iterator(path(output) / "solution.parts");
    std::filesystem::remove(part);
    expect_clear_error(program.wait(), "solution.parts", "rows-");
    EXPECT_FALSE(std::filesystem::exists(path(output) / "solution.h5"));
    const auto again = run(solve(output), ranks);
    ASSERT_EQ(again.code, 0) << again.err;
    expect_whole(output);
  }
}

/// Cut off anywhere, a file is refused by name on every rank.
TEST_F(Fault, FilesThatAreCutOff) {
  const kernels::CounterRandom random(17, 0);
  std::uint64_t counter = 0;
  for (const auto& [file, key, command] :
       {std::tuple{"job-out/make/test.h5", "files.test_population", "solve"},
        {"job-out/make/train.h5", "files.train_population", "train"},
        {"job-out/train/model.h5", "files.checkpoint", "evaluate"}}) {
    const auto bytes = read_bytes(path(file));
    for (const int ranks : {1, 2}) {
      const auto length = static_cast<std::size_t>(random.below(bytes.size(), counter++));
      write_bytes(path("cut.h5"), bytes.substr(0, length));
      const auto result = run(words(command, "cut", {std::string(key) + "=cut.h5"}), ranks);
      expect_clear_error(result, "cut.h5");
      EXPECT_EQ(files_named("cut", ".h5"), 0u) << length << " of " << bytes.size();
    }
  }
}

/// The rank that printed the error is slow to leave, so that mpirun sends it SIGTERM: it says no
/// more.
TEST_F(Fault, TheFirstRankLeavesLast) {
  write_bytes(path("cut.h5"), read_bytes(path("job-out/make/test.h5")).substr(0, 1000));
  auto arguments = words_on_ranks(2, words("solve", "slow", {"files.test_population=cut.h5"}));
  const auto program = std::find(arguments.begin(), arguments.end(), OTFLEET_PROGRAM);
  arguments.insert(program, {"env", "LD_PRELOAD=" OTFLEET_SLOW_FINALIZE});
  expect_clear_error(run_words(arguments, folder_->path()), "cut.h5");
}

/// Bits that flip in what an unfinished run left cost no more than to do that part again.
TEST_F(Fault, BitsThatFlipInAPart) {
  const kernels::CounterRandom random(18, 0);
  Words share = solve("flips");
  share.insert(share.end(), {"--share", "0/4"});
  ASSERT_EQ(run(share).code, 0);
  std::uint64_t counter = 0;
  std::size_t damaged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path("flips/solution.parts"))) {
    if (counter % 2 == 0 || damaged == 0) {
      auto bytes = read_bytes(entry.path());
      // In the potentials, which are most of a file.
      bytes[bytes.size() / 4 + random.below(bytes.size() / 2, counter)] ^= 16;
      write_bytes(entry.path(), bytes);
      ++damaged;
    }
    ++counter;
  }
  const auto result = run(solve("flips"), 2);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(count_of(result.err, "is damaged; it is not used"), damaged) << result.err;
  expect_whole("flips");
}

}  // namespace
}  // namespace otfleet
