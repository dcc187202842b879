#include "src/standard_output.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>

#include "distributed/error.hpp"

namespace otfleet {

void reserve_standard_streams() {
  for (const int descriptor : {0, 1, 2})
    // The lowest free number is taken, and only to read: what is printed must not vanish unnoticed.
    if (::fcntl(descriptor, F_GETFD) < 0 && ::open("/dev/null", O_RDONLY) < 0) return;
}

void finish_standard_output() {
  errno = 0;
  std::cout.flush();
  if (std::cout && std::fflush(stdout) == 0) return;
  throw UserError(std::string("standard output: cannot be written") +
                  (errno != 0 ? std::string(": ") + std::strerror(errno) : ""));
}

}  // namespace otfleet
