// What a newcomer types: the commands of inputs/README.md, `otfleet init`, and the first mistakes.
#include <set>
#include <sstream>

#include "src/data/checked_hdf5.hpp"
#include "tests/cli/own_data.hpp"

namespace otfleet {
namespace {

namespace fs = std::filesystem;
using testing::data_of_kinds;
using testing::ProgramResult;
using testing::read_bytes;
using testing::run_otfleet;
using testing::TemporaryFolder;
using Words = std::vector<std::string>;

/// Every solution below the folder; all of their problems converged.
int solutions_in(const fs::path& folder) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().filename() != "solution.h5") continue;
    ++count;
    const auto file = distributed::Hdf5File::open(entry.path());
    const auto statuses = read_integers(file, "/solution/status");
    EXPECT_FALSE(statuses.empty()) << entry.path();
    for (const auto status : statuses) EXPECT_EQ(status, 0) << entry.path();
  }
  return count;
}

std::set<std::string> kinds() {
  TemporaryFolder folder;
  const auto listed = run_otfleet({"init"}, folder.path());
  EXPECT_EQ(listed.code, 0) << listed.err;
  std::set<std::string> names;
  std::istringstream lines(listed.out);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("  ")) names.insert(line.substr(2, line.find(' ', 2) - 2));
  return names;
}

TEST(StartJobs, EveryKindIsMadeAndSolvedAsItStands) {
  std::set<std::string> with_data;
  for (const auto& [kind, write] : data_of_kinds()) with_data.insert(kind);
  EXPECT_EQ(kinds(), with_data);
  for (const auto& [kind, write] : data_of_kinds()) {
    TemporaryFolder folder;
    write(folder.path());
    const auto begun = run_otfleet({"init", kind, "job.toml"}, folder.path());
    EXPECT_EQ(begun.code, 0) << begun.err;
    EXPECT_NE(begun.out.find("next: name your files"), std::string::npos) << begun.out;
    EXPECT_EQ(run_otfleet({"init", kind}, folder.path()).out, read_bytes(folder / "job.toml"));
    for (const char* command : {"make", "solve"}) {
      const auto result = run_otfleet({command, "job.toml"}, folder.path());
      EXPECT_EQ(result.code, 0) << kind << ": " << result.err;
    }
    EXPECT_EQ(solutions_in(folder.path()), 1) << kind;
  }
}

TEST(StartJobs, ImagesLearnWithTheLinesOfTheirJob) {
  TemporaryFolder folder;
  testing::write_images(folder / "images", 4);
  testing::write_images(folder / "training", 6);
  ASSERT_EQ(run_otfleet({"init", "images", "job.toml"}, folder.path()).code, 0);
  std::istringstream lines(read_bytes(folder / "job.toml"));
  std::string job;
  bool learns = false;
  for (std::string line; std::getline(lines, line);) {
    learns = learns || line.starts_with("# [model]");
    const bool taken_in = (learns && line.size() > 2) || line.starts_with("# train = ");
    job += (taken_in ? line.substr(2) : line) + '\n';
  }
  EXPECT_TRUE(learns);
  testing::write_bytes(folder / "job.toml", job);
  for (const Words& words : {Words{"make", "job.toml"},
                             {"train", "job.toml", "--set", "train.steps=2"},
                             {"evaluate", "job.toml"},
                             {"solve", "job.toml", "--set", "solver.initializer=model"}}) {
    const auto result = run_otfleet(words, folder.path());
    EXPECT_EQ(result.code, 0) << words[0] << ": " << result.err;
  }
  EXPECT_EQ(solutions_in(folder.path()), 1);
}

TEST(StartJobs, ReplaceNothing) {
  TemporaryFolder folder;
  testing::write_bytes(folder / "job.toml", "mine");
  fs::create_symlink(folder / "nowhere", folder / "link.toml");
  for (const char* name : {"job.toml", "link.toml"}) {
    const auto result = run_otfleet({"init", "points", name}, folder.path());
    EXPECT_EQ(result.code, 2);
    EXPECT_NE(result.err.find("is there already and stays"), std::string::npos) << result.err;
  }
  EXPECT_EQ(read_bytes(folder / "job.toml"), "mine");
  EXPECT_FALSE(fs::exists(folder / "nowhere"));
  const auto unknown = run_otfleet({"init", "image"}, folder.path());
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("did you mean 'images'?"), std::string::npos) << unknown.err;
}

/// The blocks of commands of the page's section on own data, by their headings.
std::vector<std::pair<std::string, std::string>> blocks_of_the_page() {
  std::vector<std::pair<std::string, std::string>> blocks;
  std::istringstream lines(read_bytes(OTFLEET_INPUTS_PAGE));
  bool within = false, open = false;
  std::string heading;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## ")) within = line == "## Your own data";
    if (!within) continue;
    if (line.starts_with("### ")) heading = line.substr(4);
    if (line.starts_with("```")) {
      open = !open;
      if (open) blocks.emplace_back(heading, "");
    } else if (open) {
      blocks.back().second += line + '\n';
    }
  }
  return blocks;
}

TEST(OwnDataPage, ItsCommandsRunAsTheyStand) {
  const std::map<std::string, std::string> kind_of = {
      {"Images in a folder", "images"}, {"Point clouds", "points"},
      {"A cost matrix", "matrix"},      {"Documents as bags of words", "documents"},
      {"Spectra", "spectra"},           {"Single cells", "cells"}};
  const auto blocks = blocks_of_the_page();
  EXPECT_EQ(blocks.size(), kind_of.size());
  const std::string programs = fs::path(OTFLEET_PROGRAM).parent_path().string();
  for (const auto& [heading, commands] : blocks) {
    ASSERT_TRUE(kind_of.contains(heading)) << heading;
    EXPECT_EQ(std::count(commands.begin(), commands.end(), '\n'), 4) << heading;
    TemporaryFolder folder;
    data_of_kinds().at(kind_of.at(heading))(folder.path());
    const auto result = testing::run_words(
        {"bash", "-ec", "PATH=" + programs + ":$PATH\n" + commands}, folder.path());
    EXPECT_EQ(result.code, 0) << heading << ": " << result.err;
    EXPECT_GE(solutions_in(folder.path()), 2) << heading;
  }
}

/// Commands of a job in an order that cannot be.
TEST(FirstSteps, EveryMistakeNamesTheNextStep) {
  TemporaryFolder folder;
  testing::write_images(folder / "images", 4);
  testing::write_bytes(folder / "empty.toml", "");
  testing::write_bytes(folder / "job.toml",
                       "[data]\ntest = { file = \"images\" }\n[problem]\nepsilon = 0.02\n");
  const auto refused = [&](const Words& words, const Words& parts) {
    const auto result = run_otfleet(words, folder.path());
    EXPECT_EQ(result.code, 2) << words[0];
    for (const auto& part : parts)
      EXPECT_NE(result.err.find(part), std::string::npos)
          << "no '" << part << "' in: " << result.err;
  };
  refused({"make", "none.toml"}, {"none.toml: no such job file", "otfleet init"});
  refused({"make", "images"}, {"images: is no job file", "otfleet solve --source images"});
  refused({"make", "empty.toml"}, {"data.train and data.test are both missing", "otfleet init"});
  refused({"solve", "empty.toml"}, {"no such file", "otfleet make empty.toml --output"});
  refused({"solve", "job.toml"}, {"no such file", "otfleet make job.toml --output"});
  refused({"train", "job.toml"}, {"no such file", "otfleet make job.toml --output", "data.train"});
  refused({"sovle", "job.toml"}, {"no command 'sovle'; did you mean 'solve'?"});
  EXPECT_EQ(run_otfleet({"make", "job.toml"}, folder.path()).code, 0);
  refused({"evaluate", "job.toml", "--set", "evaluate.initializers=[\"zeros\", \"model\"]"},
          {"no such file", "otfleet train job.toml --output"});
  refused({"solve", "job.toml", "--set", "solver.initializer=model"},
          {"no such file", "otfleet train job.toml --output"});
  refused({"info", "none.h5"}, {"none.h5"});
}

}  // namespace
}  // namespace otfleet
