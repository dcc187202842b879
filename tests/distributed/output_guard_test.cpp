#include "distributed/output_guard.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>

#include "distributed/hdf5_file.hpp"
#include "distributed/staged_path.hpp"
#include "tests/distributed/test_folder.hpp"
#include "tests/distributed/throws.hpp"

namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;

class OutputGuard : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(at(name), std::ios::binary) << text;
  }
  std::string contents(const std::string& name) const {
    std::ifstream stream(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write_hdf5(const std::string& name, const std::string& kind) const {
    auto file = Hdf5File::create(at(name));
    if (!kind.empty()) file.set_attribute("/", kind_attribute, kind);
    file.close();
  }

  Communicator communicator_ = Communicator::self();
  test::TestFolder folder_{communicator_};
};

/// The least that is a PNG file: signature, header of a picture of one pixel, something after it.
std::string png() {
  return std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x8\0\0\0\0ssss", 33) + "rest";
}

TEST_F(OutputGuard, AMarkIsOnWhatCarriesItAndOnNothingElse) {
  write_hdf5("solution.h5", "solution");
  write_hdf5("population.h5", "population");
  write_hdf5("foreign.h5", "");
  write("text", "no HDF5");
  write("empty", "");
  fs::create_directory(at("folder"));
  const FileMark solution = FileMark::hdf5("solution");
  EXPECT_TRUE(solution.is_on(at("solution.h5")));
  for (const char* name : {"population.h5", "foreign.h5", "text", "empty", "folder", "none"})
    EXPECT_FALSE(solution.is_on(at(name))) << name;

  write("report.json", "{\n  \"a\": 1,\n  \"otfleet_kind\": \"report\"\n}\n");
  write("deeper.json", "{\n  \"a\": {\n    \"otfleet_kind\": \"report\"\n  }\n}\n");
  EXPECT_TRUE(FileMark::json("report").is_on(at("report.json")));
  EXPECT_FALSE(FileMark::json("report").is_on(at("deeper.json")));
  EXPECT_FALSE(FileMark::json("other").is_on(at("report.json")));

  write("table.csv", "a,b\n1,2\n");
  write("wider.csv", "a,b,c\n1,2,3\n");
  EXPECT_TRUE(FileMark::csv("a,b\n").is_on(at("table.csv")));
  EXPECT_FALSE(FileMark::csv("a,b\n").is_on(at("wider.csv")));

  write("picture.png", png());
  EXPECT_FALSE(FileMark::png().is_on(at("picture.png")));
  mark_png(at("picture.png"));
  EXPECT_TRUE(FileMark::png().is_on(at("picture.png")));
  EXPECT_EQ(contents("picture.png").size(), png().size() + 12 + 16);
  EXPECT_TRUE(contents("picture.png").ends_with("rest"));
  EXPECT_THROW(mark_png(at("text")), UserError);
}

TEST_F(OutputGuard, WhatCarriesNoMarkIsNotReplaced) {
  const FileMark mark = FileMark::hdf5("solution");
  check_replaceable(at("none.h5"), mark);
  write_hdf5("ours.h5", "solution");
  check_replaceable(at("ours.h5"), mark);
  write_hdf5("population.h5", "population");
  fs::create_symlink("nowhere", at("dangling.h5"));
  ASSERT_EQ(::mkfifo(at("pipe.h5").c_str(), 0600), 0);
  for (const char* name : {"population.h5", "dangling.h5", "pipe.h5"}) {
    OTFLEET_EXPECT_USER_ERROR(check_replaceable(at(name), mark),
                              at(name).string() + ": is there already and is no solution");
    OTFLEET_EXPECT_USER_ERROR((StagedPath{at(name), mark}), "move or remove it");
  }
}

TEST_F(OutputGuard, WhatComesWhileAFileIsWrittenIsNotReplacedEither) {
  StagedPath staged(at("table.csv"), FileMark::csv("a"));
  std::ofstream(staged.temporary()) << "a\n";
  write("table.csv", "of somebody");
  OTFLEET_EXPECT_USER_ERROR(staged.commit(), "is there already");
  EXPECT_EQ(contents("table.csv"), "of somebody");
}

TEST_F(OutputGuard, AnInputIsNotReplacedUnderAnyName) {
  const FileMark mark = FileMark::csv("a");
  write("input", "a\n");
  write("other", "a\n");
  fs::create_symlink("input", at("link"));
  fs::create_hard_link(at("input"), at("hard"));
  fs::create_directory(at("folder"));
  fs::create_directory_symlink("..", at("folder/up"));
  protect_input(at("input"), "data.train.file");
  for (const fs::path& path :
       {at("input"), at("link"), at("hard"), at("folder") / "up" / "input", at("./input")}) {
    EXPECT_TRUE(is_input(path)) << path;
    OTFLEET_EXPECT_USER_ERROR(check_replaceable(path, mark),
                              "is an input of this run (data.train.file)");
  }
  EXPECT_FALSE(is_input(at("other")));
  check_replaceable(at("other"), mark);
  // Where the input is not there (yet), its name counts.
  protect_input(at("later"), "files.checkpoint");
  EXPECT_TRUE(is_input(at("folder") / ".." / "later"));
}

}  // namespace
}  // namespace otfleet::distributed
