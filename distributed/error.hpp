#pragma once
#include <exception>
#include <stdexcept>
#include <string>

namespace otfleet {

/// A mistake the user can mend: a bad key, a missing or damaged file, weights that are no measure.
/// The message is one line that names the file, key or instance and says what was expected.
/// main() prints it and exits with code 2; every other exception is ours and exits with code 1.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What to tell a user of an exception that says that memory is exhausted, the standard library's
/// or Kokkos's, in one line; empty for any other.
std::string memory_shortage(const std::exception& error);

}  // namespace otfleet
