#include "distributed/staged_path.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "tests/distributed/test_folder.hpp"
#include "tests/distributed/throws.hpp"

namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;

/// StagedPath is local: every rank works on a file of its own.
class StagedPathTest : public testing::Test {
 protected:
  fs::path mine(const std::string& name) const {
    return folder_ / (name + std::to_string(communicator_.rank()));
  }

  static void write(const fs::path& path, const std::string& text) {
    std::ofstream stream(path);
    stream << "header\n" << text;
  }

  static std::string contents(const fs::path& path) {
    std::ifstream stream(path);
    std::string header;
    std::getline(stream, header);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  const FileMark mark_ = FileMark::csv("header");
  Communicator communicator_ = Communicator::world();
  test::TestFolder folder_{communicator_};
};

TEST_F(StagedPathTest, NamesAHiddenFileBesideTheFinalOne) {
  const StagedPath staged(mine("result"), mark_);
  EXPECT_EQ(staged.final_path(), mine("result"));
  EXPECT_EQ(staged.temporary().parent_path(), mine("result").parent_path());
  EXPECT_EQ(staged.temporary().filename().string(), "." + mine("result").filename().string() + "." +
                                                        std::to_string(::getpid()) + ".partial");
}

TEST_F(StagedPathTest, CommitMovesTheFile) {
  StagedPath staged(mine("result"), mark_);
  write(staged.temporary(), "complete");
  EXPECT_FALSE(fs::exists(staged.final_path()));
  staged.commit();
  EXPECT_FALSE(fs::exists(staged.temporary()));
  EXPECT_EQ(contents(mine("result")), "complete");
}

TEST_F(StagedPathTest, CommittedFileOutlivesTheObject) {
  {
    StagedPath staged(mine("result"), mark_);
    write(staged.temporary(), "complete");
    staged.commit();
    staged.commit();  // nothing left to do
  }
  EXPECT_EQ(contents(mine("result")), "complete");
}

TEST_F(StagedPathTest, CommitReplacesAnOlderFile) {
  write(mine("result"), "old");
  StagedPath staged(mine("result"), mark_);
  write(staged.temporary(), "new");
  EXPECT_EQ(contents(mine("result")), "old");
  staged.commit();
  EXPECT_EQ(contents(mine("result")), "new");
}

TEST_F(StagedPathTest, AbandonedFileDisappearsAndTheOldOneStays) {
  write(mine("result"), "old");
  fs::path temporary;
  {
    const StagedPath staged(mine("result"), mark_);
    temporary = staged.temporary();
    write(temporary, "half");
    ASSERT_TRUE(fs::exists(temporary));
  }
  EXPECT_FALSE(fs::exists(temporary));
  EXPECT_EQ(contents(mine("result")), "old");
}

TEST_F(StagedPathTest, RemovesTheTemporariesOfAllThatAreAlive) {
  const StagedPath first(mine("first"), mark_);
  auto second = std::make_unique<StagedPath>(mine("second"), mark_);
  StagedPath third(mine("third"), mark_);
  for (const StagedPath* one : {&first, static_cast<const StagedPath*>(second.get()),
                                static_cast<const StagedPath*>(&third)})
    write(one->temporary(), "half");
  third.commit();
  const fs::path gone = second->temporary();
  second.reset();
  write(gone, "of another");
  StagedPath::remove_temporaries();
  EXPECT_FALSE(fs::exists(first.temporary()));
  EXPECT_EQ(contents(mine("third")), "half");
  EXPECT_EQ(contents(gone), "of another");
}

TEST_F(StagedPathTest, CommitRemovesWhatKilledProcessesLeftOfTheFile) {
  const std::string name = mine("result").filename().string();
  const fs::path left = folder_ / ("." + name + ".1.partial");
  const fs::path of_another = folder_ / ("." + name + "-2.1.partial");
  write(left, "half");
  write(of_another, "half");
  StagedPath staged(mine("result"), mark_);
  write(staged.temporary(), "whole");
  EXPECT_TRUE(fs::exists(left));
  staged.commit();
  EXPECT_EQ(contents(mine("result")), "whole");
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(of_another));
  StagedPath::remove_leftovers(folder_ / "", name + "-", "2");
  EXPECT_FALSE(fs::exists(of_another));
}

TEST_F(StagedPathTest, CommitOfAFileNeverWrittenIsAnError) {
  StagedPath staged(mine("result"), mark_);
  OTFLEET_EXPECT_USER_ERROR(staged.commit(), "No such file");
  EXPECT_FALSE(fs::exists(mine("result")));
}

TEST_F(StagedPathTest, MissingFolderIsAnError) {
  const fs::path path = mine("absent") / "result";
  OTFLEET_EXPECT_USER_ERROR((StagedPath{path, mark_}),
                            path.string() + ": cannot be written: " + mine("absent").string() +
                                " is not an existing folder");
}

TEST_F(StagedPathTest, FolderThatIsAFileIsAnError) {
  write(mine("file"), "");
  OTFLEET_EXPECT_USER_ERROR((StagedPath{mine("file") / "result", mark_}),
                            "is not an existing folder");
}

TEST_F(StagedPathTest, UnwritableFolderIsAnError) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  fs::create_directory(mine("locked"));
  fs::permissions(mine("locked"), fs::perms::owner_read | fs::perms::owner_exec);
  OTFLEET_EXPECT_USER_ERROR((StagedPath{mine("locked") / "result", mark_}), "Permission denied");
  fs::permissions(mine("locked"), fs::perms::owner_all);
}

TEST_F(StagedPathTest, FolderAsFinalNameIsAnError) {
  fs::create_directory(mine("folder"));
  OTFLEET_EXPECT_USER_ERROR((StagedPath{mine("folder"), mark_}), "is a folder");
  OTFLEET_EXPECT_USER_ERROR((StagedPath{mine("absent") / "", mark_}), "is a folder");
}

TEST_F(StagedPathTest, BareNameMeansTheWorkingFolder) {
  const std::string name = ".otfleet-staged-" + std::to_string(::getpid());
  StagedPath staged{fs::path(name), mark_};
  EXPECT_EQ(staged.temporary().parent_path(), fs::path());
  write(staged.temporary(), "here");
  staged.commit();
  EXPECT_EQ(contents(name), "here");
  fs::remove(name);
}

}  // namespace
}  // namespace otfleet::distributed
