#pragma once
#include <gtest/gtest.h>

#include <string>

#include "distributed/error.hpp"

namespace otfleet::test {

/// The message of the UserError that `work` throws; a failure of the test, and "", if it throws
/// none or one of several lines.
template <class Work>
std::string user_error(Work&& work) {
  try {
    work();
  } catch (const UserError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception than UserError: " << error.what();
    return "";
  }
  ADD_FAILURE() << "no exception";
  return "";
}

}  // namespace otfleet::test

/// Expects a UserError whose message contains `part`.
#define OTFLEET_EXPECT_USER_ERROR(statement, part)                                       \
  do {                                                                                   \
    const std::string otfleet_message = ::otfleet::test::user_error([&] { statement; }); \
    EXPECT_NE(otfleet_message.find(part), std::string::npos) << otfleet_message;         \
  } while (false)
