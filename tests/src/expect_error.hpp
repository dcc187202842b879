#pragma once
#include <gtest/gtest.h>

#include <string>

#include "distributed/error.hpp"

namespace otfleet::testing {

/// Expects a UserError of one line that holds every one of `parts`.
template <class Work, class... Parts>
requires(sizeof...(Parts) > 0) void expect_error(Work work, const Parts&... parts) {
  try {
    work();
    FAIL() << "no error was thrown";
  } catch (const UserError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& part : {std::string(parts)...}) {
      EXPECT_NE(message.find(part), std::string::npos) << "no '" << part << "' in: " << message;
    }
  }
}

}  // namespace otfleet::testing
