#include "distributed/folder_lock.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/distributed/test_folder.hpp"
#include "tests/distributed/throws.hpp"

namespace otfleet::distributed {
namespace {

namespace fs = std::filesystem;
using Share = FolderLock::Share;

class FolderLockTest : public testing::Test {
 protected:
  fs::path folder() const { return folder_ / ""; }
  fs::path lock() const { return folder_ / ".otfleet-lock"; }
  void write_lock(const std::string& host, const std::string& process, const std::string& started,
                  const std::string& more = "") const {
    std::ofstream(lock()) << "command solve\nhost " << host << "\nprocess " << process
                          << "\nstarted " << started << "\n"
                          << more;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder()), fs::directory_iterator()));
  }
  static std::string host() {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    return name;
  }
  static std::string own_process() { return std::to_string(::getpid()); }

  Communicator communicator_ = Communicator::self();
  test::TestFolder folder_{communicator_};
};

TEST_F(FolderLockTest, KeepsOthersOutAndGoesWithItsObject) {
  {
    const FolderLock held(folder(), "train");
    EXPECT_EQ(files(), 1u);
    OTFLEET_EXPECT_USER_ERROR(
        FolderLock(folder(), "solve"),
        "another run writes here: otfleet train, process " + own_process() + " on " + host());
    EXPECT_TRUE(fs::exists(lock()));
  }
  EXPECT_EQ(files(), 0u);
  const FolderLock again(folder(), "solve");
}

TEST_F(FolderLockTest, GoesWhenASignalEndsTheProcess) {
  const FolderLock held(folder(), "train");
  TemporaryFile::remove_all();
  EXPECT_EQ(files(), 0u);
}

TEST_F(FolderLockTest, OfAProcessThatWasKilledIsTakenOver) {
  const pid_t child = fork();
  if (child == 0) ::_exit(0);
  write_lock(host(), std::to_string(child), "1");  // maybe dead, and not waited for: a zombie
  int status = 0;
  siginfo_t ended;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  { const FolderLock held(folder(), "solve"); }
  write_lock(host(), std::to_string(child), "1");
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  { const FolderLock held(folder(), "solve"); }
  EXPECT_EQ(files(), 0u);
}

TEST_F(FolderLockTest, OfAnEarlierProcessOfTheSameNumberIsTakenOver) {
  write_lock(host(), own_process(), "1");
  const FolderLock held(folder(), "solve");
}

TEST_F(FolderLockTest, OfAnotherHostSaysWhatToRemove) {
  write_lock("elsewhere", "4711", "1");
  OTFLEET_EXPECT_USER_ERROR(FolderLock(folder(), "solve"), "process 4711 on elsewhere");
  OTFLEET_EXPECT_USER_ERROR(FolderLock(folder(), "solve"), "remove " + lock().string());
  EXPECT_TRUE(fs::exists(lock()));
}

TEST_F(FolderLockTest, ThatSaysNothingIsLeftAlone) {
  std::ofstream(lock()) << "";
  OTFLEET_EXPECT_USER_ERROR(FolderLock(folder(), "solve"), "a lock that says nothing");
  EXPECT_TRUE(fs::exists(lock()));
}

TEST_F(FolderLockTest, OfAJobThatSlurmStartsAgainIsTakenOver) {
  ::setenv("SLURM_JOB_ID", "17", 1);
  ::setenv("SLURM_RESTART_COUNT", "1", 1);
  write_lock("elsewhere", "4711", "1", "slurm_job 18\nslurm_restart \n");
  OTFLEET_EXPECT_USER_ERROR(FolderLock(folder(), "solve"), "on elsewhere");
  write_lock("elsewhere", "4711", "1", "slurm_job 17\nslurm_restart \n");
  {
    const FolderLock held(folder(), "solve");
    // The same job, the same start: two commands of one script.
    OTFLEET_EXPECT_USER_ERROR(FolderLock(folder(), "solve"), "process " + own_process());
  }
  ::unsetenv("SLURM_JOB_ID");
  ::unsetenv("SLURM_RESTART_COUNT");
}

TEST_F(FolderLockTest, SharesOfOneJobRunSideBySide) {
  const FolderLock first(folder(), "solve", Share{0, 3});
  const FolderLock second(folder(), "solve", Share{1, 3});
  OTFLEET_EXPECT_USER_ERROR(FolderLock(folder(), "solve", Share{1, 3}), "another run writes here");
  OTFLEET_EXPECT_USER_ERROR(FolderLock(folder(), "solve", Share{2, 4}), "another run writes here");
  OTFLEET_EXPECT_USER_ERROR(FolderLock(folder(), "solve"), "another run writes here");
  EXPECT_EQ(files(), 2u);
  const FolderLock third(folder(), "solve", Share{2, 3});
}

TEST_F(FolderLockTest, OfAllExcludesShares) {
  const FolderLock all(folder(), "solve");
  OTFLEET_EXPECT_USER_ERROR(FolderLock(folder(), "solve", Share{0, 3}), "another run writes here");
  EXPECT_EQ(files(), 1u);
}

}  // namespace
}  // namespace otfleet::distributed
