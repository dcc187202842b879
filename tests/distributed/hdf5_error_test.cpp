#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "distributed/hdf5_checksum.hpp"
#include "distributed/hdf5_file.hpp"
#include "tests/distributed/small_disk.hpp"
#include "tests/distributed/test_folder.hpp"
#include "tests/distributed/throws.hpp"

// What a user reads when a file is not what it should be, and that no rank is left waiting.
namespace otfleet::distributed {
namespace {

class Hdf5ErrorTest : public testing::Test {
 protected:
  std::filesystem::path shared(const std::string& name) const { return folder_ / name; }
  std::filesystem::path mine(const std::string& name) const {
    return folder_ / (name + std::to_string(world_.rank()));
  }

  /// A file of this rank with "/x" (3 × 2 doubles, 1 to 6) and "/group".
  std::filesystem::path small_file() const {
    const auto path = mine("small");
    Hdf5File file = Hdf5File::create(path);
    file.write<double>("/x", {3, 2}, std::vector<double>{1, 2, 3, 4, 5, 6});
    file.create_group("/group");
    file.set_attribute("/", "text", std::string("words"));
    file.set_attribute("/", "number", 1.0);
    file.close();
    return path;
  }

  void expect_ranks_in_step() const {
    EXPECT_EQ(world_.all_reduce(std::int64_t{1}, Reduction::sum), world_.size());
  }

  Communicator world_ = Communicator::world();
  test::TestFolder folder_{world_};
};

// ------------------------------------------------------------------------------------- opening

TEST_F(Hdf5ErrorTest, MissingFile) {
  OTFLEET_EXPECT_USER_ERROR(Hdf5File::open(mine("absent")),
                            mine("absent").string() + ": cannot be read: No such file");
}

TEST_F(Hdf5ErrorTest, FolderInsteadOfFile) {
  std::filesystem::create_directory(mine("folder"));
  OTFLEET_EXPECT_USER_ERROR(Hdf5File::open(mine("folder")),
                            "is a folder; an HDF5 file was expected");
}

TEST_F(Hdf5ErrorTest, ForeignFile) {
  std::ofstream(mine("text")) << "f,g\n0.1,0.2\n";
  OTFLEET_EXPECT_USER_ERROR(Hdf5File::open(mine("text")),
                            mine("text").string() + ": is no HDF5 file");
}

TEST_F(Hdf5ErrorTest, EmptyFile) {
  std::ofstream(mine("empty")).close();
  OTFLEET_EXPECT_USER_ERROR(Hdf5File::open(mine("empty")), "is empty; an HDF5 file was expected");
}

TEST_F(Hdf5ErrorTest, TruncatedFile) {
  const auto path = small_file();
  const auto size = std::filesystem::file_size(path);
  // Every length that keeps the signature; shorter files are no HDF5 files at all.
  for (std::uintmax_t length = size - 1; length >= 8; length = length * 2 / 3) {
    std::filesystem::resize_file(path, length);
    OTFLEET_EXPECT_USER_ERROR(Hdf5File::open(path), path.string() + ": is a truncated");
  }
  std::filesystem::resize_file(path, 7);
  OTFLEET_EXPECT_USER_ERROR(Hdf5File::open(path), "is no HDF5 file");
}

TEST_F(Hdf5ErrorTest, DamagedMetadata) {
  const auto path = small_file();
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(12);
    file << "overwritten";
  }
  OTFLEET_EXPECT_USER_ERROR(Hdf5File::open(path), "damaged");
}

// ------------------------------------------------------------------------------------- reading

TEST_F(Hdf5ErrorTest, MissingObjects) {
  const auto path = small_file();
  const Hdf5File file = Hdf5File::open(path);
  OTFLEET_EXPECT_USER_ERROR(file.read<double>("/y"), path.string() + ": no dataset '/y'");
  OTFLEET_EXPECT_USER_ERROR(file.read<double>("/a/b/c"), "no dataset '/a/b/c'");
  OTFLEET_EXPECT_USER_ERROR(file.read<double>(""), "no dataset ''");
  OTFLEET_EXPECT_USER_ERROR(file.info("/y"), "no dataset '/y'");
  OTFLEET_EXPECT_USER_ERROR(file.children("/y"), "no dataset or group '/y'");
  OTFLEET_EXPECT_USER_ERROR(file.attributes("/y"), "no dataset or group '/y'");
  OTFLEET_EXPECT_USER_ERROR(file.number_attribute("/y", "a"), "no dataset or group '/y'");
}

TEST_F(Hdf5ErrorTest, ObjectsOfTheWrongKind) {
  const auto path = small_file();
  const Hdf5File file = Hdf5File::open(path);
  OTFLEET_EXPECT_USER_ERROR(file.read<double>("/group"),
                            path.string() + ": '/group' is no dataset");
  OTFLEET_EXPECT_USER_ERROR(file.children("/x"), "'/x' is a dataset; a group was expected");
  OTFLEET_EXPECT_USER_ERROR(file.string_attribute("/", "number"),
                            "attribute 'number' of '/' is no text");
  OTFLEET_EXPECT_USER_ERROR(file.number_attribute("/", "text"),
                            "attribute 'text' of '/' is no number");
}

TEST_F(Hdf5ErrorTest, WrongRowsAndSizes) {
  const auto path = small_file();
  const Hdf5File file = Hdf5File::open(path);
  std::vector<double> values(4);
  OTFLEET_EXPECT_USER_ERROR(
      file.read_rows<double>("/x", {2, 4}, values),
      path.string() + ": dataset '/x' has shape [3, 2]; it has no rows [2, 4)");
  OTFLEET_EXPECT_USER_ERROR(file.read_rows<double>("/x", {-1, 1}, values), "no rows [-1, 1)");
  OTFLEET_EXPECT_USER_ERROR(file.read_rows<double>("/x", {2, 1}, values), "no rows [2, 1)");
  OTFLEET_EXPECT_USER_ERROR(file.read_rows<double>("/x", {0, 3}, values),
                            "6 values were expected for rows [0, 3), not 4");
}

TEST_F(Hdf5ErrorTest, RowsOfADatasetWithoutDimensions) {
  {
    Hdf5File file = Hdf5File::create(mine("scalar"));
    file.write<double>("/one", {}, std::vector<double>{1});
  }
  std::vector<double> value(1);
  OTFLEET_EXPECT_USER_ERROR(Hdf5File::open(mine("scalar")).read_rows<double>("/one", {0, 1}, value),
                            "has shape []; a dataset with rows was expected");
}

TEST_F(Hdf5ErrorTest, TextIsNoNumbers) {
  { Hdf5File made = Hdf5File::create(mine("words")); }
  const hid_t file = H5Fopen(mine("words").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hsize_t length = 1;
  const hid_t space = H5Screate_simple(1, &length, nullptr);
  const hid_t dataset =
      H5Dcreate2(file, "words", H5T_C_S1, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dclose(dataset);
  H5Sclose(space);
  H5Fclose(file);
  const Hdf5File again = Hdf5File::open(mine("words"));
  EXPECT_FALSE(again.info("/words").is_float);
  EXPECT_FALSE(again.info("/words").is_integer);
  OTFLEET_EXPECT_USER_ERROR(again.read<double>("/words"), "dataset '/words' holds no numbers");
}

// ------------------------------------------------------------------------------------- writing

TEST_F(Hdf5ErrorTest, FileThatCannotBeMade) {
  const auto absent = shared("absent") / "file";
  OTFLEET_EXPECT_USER_ERROR(Hdf5File::create(absent),
                            absent.string() + ": cannot be created: No such file");
  OTFLEET_EXPECT_USER_ERROR(Hdf5File::create(absent, world_),
                            absent.string() + ": cannot be created: No such file");
  expect_ranks_in_step();
}

TEST_F(Hdf5ErrorTest, DatasetsThatCannotBeMade) {
  Hdf5File file = Hdf5File::create(shared("made"), world_);
  file.create_dataset<double>("/x", {2});
  OTFLEET_EXPECT_USER_ERROR(file.create_dataset<double>("/x", {2}), "'/x' exists already");
  OTFLEET_EXPECT_USER_ERROR(file.create_dataset<double>("x", {2}), "'x' is no absolute path");
  OTFLEET_EXPECT_USER_ERROR(file.create_dataset<double>("/y", {2, -1}),
                            "'/y' cannot have shape [2, -1]");
  OTFLEET_EXPECT_USER_ERROR(file.create_dataset<double>("/x/below", {2}),
                            "cannot create dataset '/x/below'");
  OTFLEET_EXPECT_USER_ERROR(file.create_group("/x"), "'/x' is a dataset; a group was expected");
  OTFLEET_EXPECT_USER_ERROR(file.create_group("/x/below"), "cannot create group '/x/below'");
  OTFLEET_EXPECT_USER_ERROR(file.set_attribute("/z", "a", 1.0), "no dataset or group '/z'");
  OTFLEET_EXPECT_USER_ERROR(file.write<double>("/z", {3}, std::vector<double>(2)),
                            "dataset '/z' of shape [3] takes 3 values, not 2");
  EXPECT_FALSE(file.has("/z"));
  file.close();
}

TEST_F(Hdf5ErrorTest, OneRankThatFailsFailsAllAndTheFileGoesOn) {
  const std::int64_t rows = world_.size();
  const int failing = world_.size() - 1;
  const Shard own{world_.rank(), world_.rank() + 1};
  {
    Hdf5File file = Hdf5File::create(shared("agreed"), world_);
    file.create_dataset<double>("/x", {rows, 2});
    const std::vector<double> wrong(world_.rank() == failing ? 3 : 2, 9.0);
    const std::string range =
        "[" + std::to_string(failing) + ", " + std::to_string(failing + 1) + ")";
    OTFLEET_EXPECT_USER_ERROR(file.write_rows<double>("/x", own, wrong),
                              "2 values were expected for rows " + range + ", not 3");
    OTFLEET_EXPECT_USER_ERROR(
        file.set_attribute(world_.rank() == failing ? "/absent" : "/x", "a", 1.0),
        "no dataset or group '/absent'");
    file.write_rows<double>("/x", own, std::vector<double>(2, 1.0 + world_.rank()));
    file.close();
  }
  const auto values = Hdf5File::open(shared("agreed")).read<double>("/x");
  for (std::int64_t k = 0; k < rows; ++k) {
    EXPECT_EQ(values[static_cast<std::size_t>(2 * k)], 1.0 + static_cast<double>(k));
  }
}

TEST_F(Hdf5ErrorTest, WritingToAFileOpenedToReadFails) {
  Hdf5File file = Hdf5File::open(small_file());
  OTFLEET_EXPECT_USER_ERROR(file.create_dataset<double>("/y", {1}), "cannot create dataset '/y'");
  OTFLEET_EXPECT_USER_ERROR(file.write_rows<double>("/x", {0, 1}, std::vector<double>(2)),
                            "cannot write dataset '/x'");
  OTFLEET_EXPECT_USER_ERROR(file.set_attribute("/", "a", 1.0), "cannot write attribute 'a'");
}

TEST_F(Hdf5ErrorTest, UseAfterCloseIsALogicError) {
  Hdf5File file = Hdf5File::create(mine("closed"));
  file.close();
  file.close();
  EXPECT_THROW(file.has("/x"), std::logic_error);
  EXPECT_THROW(file.create_group("/g"), std::logic_error);
  EXPECT_THROW(file.write<double>("/x", {0}, {}), std::logic_error);
}

// Left to itself, HDF5 1.10 hangs when a rank fails to write, and crashes in MPI_Finalize over a
// file that it failed to close; so these tests also check that the program ends.

/// Stands in for a full disk: files of this process may not grow past `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST_F(Hdf5ErrorTest, FullDiskShowsItselfWhenWriting) {
  const std::vector<double> values(1 << 16, 1.0);
  std::string message;
  {
    Hdf5File file = Hdf5File::create(mine("full"));
    file.create_dataset<double>("/x", {1 << 16});
    const FileSizeLimit limit(4096);
    message = test::user_error([&] { file.write_rows<double>("/x", {0, 1 << 16}, values); });
  }
  EXPECT_EQ(message, mine("full").string() + ": cannot write dataset '/x' (File too large)");
}

TEST_F(Hdf5ErrorTest, FullDiskShowsItselfWhenClosing) {
  Hdf5File file = Hdf5File::create(mine("full"));
  // Descriptions of objects wait in memory until the end.
  for (int k = 0; k < 100; ++k) file.create_group("/group" + std::to_string(k));
  std::string message;
  {
    const FileSizeLimit limit(4096);
    message = test::user_error([&] { file.close(); });
  }
  EXPECT_EQ(message, mine("full").string() + ": cannot be written to the end (File too large)");
  file.close();  // nothing left to do
}

TEST_F(Hdf5ErrorTest, FullDiskShowsItselfOnAllRanksWhenWriting) {
  const std::int64_t rows = 1 << 16;
  const Shard own = block_shard(rows, world_.rank(), world_.size());
  const std::vector<double> values(static_cast<std::size_t>(own.size()), 1.0);
  std::string message;
  {
    Hdf5File file = Hdf5File::create(shared("full"), world_);
    file.create_dataset<double>("/x", {rows});
    {
      // Only the rows of the last rank do not fit.
      const FileSizeLimit limit(world_.rank() == world_.size() - 1 ? 4096 : RLIM_INFINITY);
      message = test::user_error([&] { file.write_rows<double>("/x", own, values); });
    }
  }
  EXPECT_EQ(message.find(shared("full").string() + ": cannot write dataset '/x'"), 0u) << message;
  expect_ranks_in_step();
}

TEST_F(Hdf5ErrorTest, FullDiskShowsItselfOnAllRanksWhenClosing) {
  Hdf5File file = Hdf5File::create(shared("full"), world_);
  for (int k = 0; k < 100; ++k) file.create_group("/group" + std::to_string(k));
  std::string message;
  {
    const FileSizeLimit limit(4096);
    message = test::user_error([&] { file.close(); });
  }
  // One rank writes without MPI, and finds it out itself.
  const std::string reason = world_.size() == 1 ? " (File too large)" : ": File too large";
  EXPECT_EQ(message, shared("full").string() + ": cannot be written to the end" + reason);
  expect_ranks_in_step();
}

TEST_F(Hdf5ErrorTest, FullDiskDoesNotHangTheDestructor) {
  {
    Hdf5File file = Hdf5File::create(shared("full"), world_);
    for (int k = 0; k < 100; ++k) file.create_group("/group" + std::to_string(k));
    const FileSizeLimit limit(4096);
    const Hdf5File dying = std::move(file);
  }
  expect_ranks_in_step();
}

// HDF5 keeps small writes in memory until their dataset is closed.
TEST_F(Hdf5ErrorTest, WhatAFullDiskDoesNotTakeIsAnError) {
  const std::vector<double> numbers(1024, 1.5);
  const std::vector<std::string> words(512, "a word");
  int failed = 0, whole = 0;
  for (int kilobytes = 8; kilobytes <= 128; kilobytes += 4) {
    const test::SmallDisk disk(mine("disk"), kilobytes);
    REQUIRE_DISK(disk);
    const auto path = mine("disk") / "file";
    try {
      Hdf5File file = Hdf5File::create(path);
      for (int k = 0; k < 6; ++k)
        file.write<double>("/group/numbers" + std::to_string(k), {1024}, numbers);
      file.write_strings("/group/words", words);
      seal(file);
      file.close();
    } catch (const UserError&) {
      ++failed;
      continue;
    }
    ++whole;
    const Hdf5File file = Hdf5File::open(path);
    EXPECT_NO_THROW(check_seal(file));
    for (int k = 0; k < 6; ++k)
      EXPECT_EQ(file.read<double>("/group/numbers" + std::to_string(k)), numbers) << kilobytes;
    EXPECT_EQ(file.read_strings("/group/words"), words) << kilobytes;
  }
  EXPECT_GT(failed, 5);
  EXPECT_GT(whole, 5);
}

}  // namespace
}  // namespace otfleet::distributed
