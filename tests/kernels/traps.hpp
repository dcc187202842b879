#pragma once

// Tests run with floating-point traps on: a kernel that divides by zero in any lane, also in one
// whose result nobody uses, ends the program.

namespace otfleet::kernels::test {

void set_traps(bool on);

/// No traps while this lives: for tests that feed a kernel what is not a number.
class WithoutTraps {
 public:
  WithoutTraps() { set_traps(false); }
  ~WithoutTraps() { set_traps(true); }
  WithoutTraps(const WithoutTraps&) = delete;
  WithoutTraps& operator=(const WithoutTraps&) = delete;
};

}  // namespace otfleet::kernels::test
