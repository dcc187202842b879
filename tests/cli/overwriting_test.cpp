// Nothing that a run reads, and nothing that otfleet did not make, is replaced or removed; two runs
// never share a folder.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/cli/many_problems.hpp"

namespace otfleet {
namespace {

namespace fs = std::filesystem;
using testing::count_of;
using testing::ProgramResult;
using testing::read_bytes;
using testing::StartedProgram;
using testing::Words;
using testing::words_on_ranks;
using testing::write_bytes;

class Overwriting : public testing::ManyProblems {
 protected:
  /// Exit code 2, one line with the parts, and every file of the folder as it was.
  template <class... Parts>
  static void expect_untouched(const std::string& folder, const Words& words,
                               const Parts&... parts) {
    const auto before = contents_of(folder);
    const auto result = run(words);
    EXPECT_EQ(result.code, 2) << result.out;
    EXPECT_EQ(count_of(result.err, "\n"), 1u) << result.err;
    for (const std::string& part : {std::string(parts)...})
      EXPECT_NE(result.err.find(part), std::string::npos) << "no '" << part << "': " << result.err;
    EXPECT_EQ(contents_of(folder), before);
  }

  static std::vector<std::pair<std::string, std::string>> contents_of(const std::string& folder) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& entry : fs::recursive_directory_iterator(path(folder)))
      if (entry.is_regular_file()) all.emplace_back(entry.path(), read_bytes(entry.path()));
    std::sort(all.begin(), all.end());
    return all;
  }

  static void copy(const std::string& from, const std::string& to) {
    fs::create_directories(path(to).parent_path());
    fs::copy_file(path(from), path(to));
  }

  static Words evaluate(const std::string& output) {
    return words("evaluate", output, {"evaluate.initializers=[\"zeros\"]"});
  }
};

TEST_F(Overwriting, MakeKeepsTheImagesThatItReads) {
  auto file = [&] {
    fs::create_directories(path("mine"));
    return distributed::Hdf5File::create(path("mine/train.h5"));
  }();
  file.write<double>("/x", {5, 4, 4}, std::vector<double>(80, 1.0));
  file.close();
  const Words data = {"data.train.file=mine/train.h5", "data.train.dataset=x",
                      "data.test.file=mine/train.h5", "data.test.dataset=x"};
  Words words = {"make", "job.toml", "--output", "mine"};
  for (const auto& one : data) words.insert(words.end(), {"--set", one});
  expect_untouched("mine", words, "mine/train.h5", "is an input of this run (data.train.file)");
  // By a link of either kind, from another folder, which may be linked itself.
  fs::create_directories(path("elsewhere"));
  fs::create_symlink("../mine/train.h5", path("elsewhere/train.h5"));
  words[3] = "elsewhere";
  expect_untouched("mine", words, "elsewhere/train.h5", "is an input of this run");
  fs::remove(path("elsewhere/train.h5"));
  fs::create_hard_link(path("mine/train.h5"), path("elsewhere/train.h5"));
  expect_untouched("mine", words, "elsewhere/train.h5", "is an input of this run");
  fs::create_directory_symlink("mine", path("same"));
  words[3] = "same";
  expect_untouched("mine", words, "same/train.h5", "is an input of this run");
}

TEST_F(Overwriting, APopulationIsNotReplacedByASolution) {
  copy("job-out/make/test.h5", "population/solution.h5");
  expect_untouched("population", words("solve", "population"), "population/solution.h5",
                   "is there already and is no solution");
  expect_untouched("population",
                   words("solve", "population", {"files.test_population=population/solution.h5"}),
                   "population/solution.h5", "is an input of this run (files.test_population)");
  copy("job-out/make/train.h5", "population/model.h5");
  expect_untouched("population", words("train", "population"), "population/model.h5",
                   "is no checkpoint");
}

TEST_F(Overwriting, ForeignFilesOfEveryKindStay) {
  for (const auto& [name, words] :
       {std::pair<std::string, Words>{"report.json", words("make", "foreign")},
        {"test.h5", words("make", "foreign")},
        {"model.h5", words("train", "foreign")},
        {"training.png", words("train", "foreign")},
        {"report.json", words("train", "foreign")},
        {"solution.h5", words("solve", "foreign")},
        {"error_curves.png", evaluate("foreign")},
        {"interpolation.png", evaluate("foreign")},
        {"report.json", evaluate("foreign")},
        {"scaling.csv", words("scale", "foreign")},
        {"scaling-solve.png", words("scale", "foreign")}}) {
    fs::remove_all(path("foreign"));
    fs::create_directory(path("foreign"));
    write_bytes(path("foreign") / name, "{\"mine\": 1}\n");
    expect_untouched("foreign", words, "foreign/" + name, "is there already", "move or remove it");
  }
  fs::remove_all(path("foreign"));
  fs::create_directory(path("foreign"));
  write_bytes(path("foreign/report-share-0-of-2.json"), "{}\n");
  Words share = words("solve", "foreign", {"solver.initializer=zeros"});
  share.insert(share.end(), {"--share", "0/2"});
  expect_untouched("foreign", share, "report-share-0-of-2.json", "is there already");
}

TEST_F(Overwriting, TheJobFileIsAnInputToo) {
  fs::create_directories(path("job-there"));
  write_bytes(path("job-there/report.json"), read_bytes(path("job.toml")));
  Words own = words("solve", "job-there", {"solver.initializer=zeros"});
  own[1] = "job-there/report.json";
  expect_untouched("job-there", own, "report.json", "is an input of this run (the job file)");
}

TEST_F(Overwriting, ACommandRunsAgainInItsOwnFolder) {
  for (int round = 0; round < 2; ++round)
    for (const auto& words :
         {Words{"make", "job.toml", "--output", "again/make"},
          words("train", "again/train", {"train.steps=3", "train.log_every=1"}),
          words("solve", "again/solve"), evaluate("again/evaluate"),
          words("scale", "again/scale",
                {"scale.steps=1", "scale.repetitions=1", "scale.predict_ranks=4"})}) {
      const auto result = run(words);
      EXPECT_EQ(result.code, 0) << words[0] << ": " << result.err;
    }
  EXPECT_FALSE(fs::exists(path("again/make/.otfleet-lock")));
}

TEST_F(Overwriting, FilesThatOnlyLookLikeOursAreNotRemoved) {
  fs::create_directories(path("looks/solution.parts"));
  fs::create_directories(path("looks/run"));
  for (const char* name : {"training-data.h5", "training-000000000001.h5", ".training-1.partial",
                           "run/mine", "solution.parts/rows-mine.h5"})
    write_bytes(path("looks") / name, "mine");
  for (const auto& words :
       {words("train", "looks", {"train.steps=5", "train.checkpoint_seconds=0"}),
        words("solve", "looks"),
        words("scale", "looks",
              {"scale.steps=1", "scale.repetitions=1", "scale.predict_ranks=4"})}) {
    const auto result = run(words);
    EXPECT_EQ(result.code, 0) << words[0] << ": " << result.err;
  }
  for (const char* name : {"training-data.h5", "training-000000000001.h5", ".training-1.partial",
                           "run/mine", "solution.parts/rows-mine.h5"})
    EXPECT_EQ(read_bytes(path("looks") / name), "mine") << name;
  EXPECT_FALSE(fs::exists(path("looks/.otfleet-scale-run")));
  fs::create_directories(path("file-there"));
  write_bytes(path("file-there/solution.parts"), "mine");
  const auto result = run(words("solve", "file-there"));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(read_bytes(path("file-there/solution.parts")), "mine");
}

TEST_F(Overwriting, ASecondRunInAFolderIsTurnedAway) {
  const auto output = "shared";
  const Words train =
      words("train", output, {"train.steps=1000000000", "train.checkpoint_seconds=0"});
  StartedProgram first(testing::words_on_ranks_with_pids(2, "shared-pid", train), folder_->path());
  while (first.running() && checkpoints(output).empty())
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  Words share = solve(output);
  share.insert(share.end(), {"--share", "0/2"});
  for (const auto& [words, ranks] :
       {std::pair{words("train", output, {"train.steps=1", "train.batch=8"}), 1},
        {solve(output), 2},
        {share, 1},
        {Words{"make", "job.toml", "--output", output}, 1}}) {
    const auto second = run(words, ranks);
    EXPECT_EQ(second.code, 2) << words[0];
    EXPECT_EQ(count_of(second.err, "shared: another run writes here: otfleet train, process "), 1u)
        << second.err;
  }
  ASSERT_TRUE(first.running());
  ::kill(std::stoi(read_bytes(path("shared-pid.0"))), SIGTERM);
  const auto result = first.wait();
  EXPECT_EQ(result.code, 75) << result.err;
  EXPECT_FALSE(checkpoints(output).empty());
  EXPECT_EQ(run({"make", "job.toml", "--output", output}).code, 0);
}

TEST_F(Overwriting, SharesOfOneJobRunAtTheSameTime) {
  std::vector<std::unique_ptr<StartedProgram>> shares;
  for (const char* share : {"0/2", "1/2"}) {
    Words words = solve("side-by-side");
    words.insert(words.begin(), OTFLEET_PROGRAM);
    words.insert(words.end(), {"--share", share});
    shares.push_back(std::make_unique<StartedProgram>(words, folder_->path()));
  }
  while (shares[0]->running() && shares[1]->running() && parts("side-by-side") == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const auto all = run(solve("side-by-side"));
  const bool both_ran = shares[0]->running() && shares[1]->running();
  EXPECT_TRUE(all.code == 2 || !both_ran) << all.err;
  for (auto& share : shares) {
    const auto result = share->wait();
    EXPECT_EQ(result.code, 0) << result.err;
  }
  ASSERT_EQ(run(solve("side-by-side")).code, 0);
  expect_whole("side-by-side");
}

TEST_F(Overwriting, AKilledRunLeavesNoLockInTheWay) {
  for (const int signal : {SIGKILL, SIGTERM}) {
    const auto output = "killed" + std::to_string(signal);
    Words words = solve(output);
    words.insert(words.begin(), OTFLEET_PROGRAM);
    StartedProgram program(words, folder_->path());
    while (program.running() && parts(output) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    program.send(signal);
    ASSERT_NE(program.wait().code, 0);
    EXPECT_EQ(fs::exists(path(output) / ".otfleet-lock"), signal == SIGKILL);
    const auto again = run(solve(output), 2);
    EXPECT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(count_of(again.err, "going on: "), 1u) << again.err;
    expect_whole(output);
  }
}

/// What an unfinished solve has saved stays when another job is solved in the folder, and is gone
/// on from.
TEST_F(Overwriting, JobsThatTakeTurnsLeaveEachOthersParts) {
  Words share = solve("turns");
  share.insert(share.end(), {"--share", "0/100"});
  ASSERT_EQ(run(share).code, 0);
  const auto saved = parts("turns");
  ASSERT_GT(saved, 0u);
  const auto other = run(solve("turns", {"solver.threshold=1e-2"}));
  ASSERT_EQ(other.code, 0) << other.err;
  EXPECT_EQ(parts("turns"), saved);
  const auto resumed = run(solve("turns"));
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(read_report("turns")["solved_before"], many / 100);
  expect_whole("turns");
}

}  // namespace
}  // namespace otfleet
