#include "src/memory/available_memory.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "distributed/error.hpp"

namespace otfleet {
namespace {

TEST(AvailableMemory, IsSomethingOnAnyMachine) {
  const AvailableMemory one = available_memory(1);
  EXPECT_GT(one.bytes, 1e6);
  EXPECT_LT(one.bytes, 1e15);
  EXPECT_FALSE(one.limit.empty());
}

/// In a process of its own: a limit cannot be taken back.
TEST(AvailableMemory, ALimitOfTheProcessCounts) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit = {rlim_t{1} << 31, rlim_t{1} << 31};
    setrlimit(RLIMIT_AS, &limit);
    const AvailableMemory left = available_memory(1);
    _exit(left.limit == "ulimit -v" && left.bytes > 0 && left.bytes < 2147483648.0 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(AvailableMemory, WhatIsNeededIsNamed) {
  EXPECT_NO_THROW(require_memory("a.h5", {{"weights", 1000}}, 1, "less"));
  try {
    require_memory("a.h5", {{"the costs", 3e18}, {"weights", 2e3}, {"nothing", 0}}, 1, "use less");
    FAIL() << "nobody has so much";
  } catch (const UserError& error) {
    const std::string text = error.what();
    for (const char* part :
         {"a.h5: needs about 3e+06 TB", "the costs", "2 kB for weights", "use less"})
      EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_EQ(text.find("nothing"), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

TEST(AvailableMemory, BytesAreReadable) {
  EXPECT_EQ(bytes_text(0), "0 kB");
  EXPECT_EQ(bytes_text(1500), "1.5 kB");
  EXPECT_EQ(bytes_text(999.9e6), "1 GB");
  EXPECT_EQ(bytes_text(3.25e9), "3.25 GB");
}

}  // namespace
}  // namespace otfleet
