#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <string>

#include "kernels/runtime.hpp"
#include "tests/kernels/traps.hpp"

// main() of the kernel tests. PROGRAM [--of=NAME] [googletest's flags]: of a program that is made
// of several files, --of=NAME runs the tests of NAME.cpp alone.

namespace {

/// The names of all tests that a file contains, as a filter of googletest; empty where there is
/// none.
std::string tests_of(const std::string& file) {
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  std::string filter;
  for (int suite = 0; suite < all.total_test_suite_count(); ++suite) {
    const testing::TestSuite& tests = *all.GetTestSuite(suite);
    for (int k = 0; k < tests.total_test_count(); ++k) {
      const testing::TestInfo& test = *tests.GetTestInfo(k);
      if (std::filesystem::path(test.file()).stem() != file) continue;
      filter += (filter.empty() ? "" : ":") + std::string(tests.name()) + '.' + test.name();
    }
  }
  return filter;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::string option = "--of=";
  for (int k = 1; k < argc; ++k) {
    const std::string argument = argv[k];
    if (!argument.starts_with(option)) continue;
    const std::string filter = tests_of(argument.substr(option.size()));
    if (filter.empty()) {
      std::cerr << argument << ": this program has no tests of such a file\n";
      return 2;
    }
    GTEST_FLAG_SET(filter, filter);
  }
  const otfleet::kernels::Runtime runtime(argc, argv);
  otfleet::kernels::test::set_traps(true);
  return RUN_ALL_TESTS();
}
