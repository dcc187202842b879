#include "tests/kernels/traps.hpp"

#include <cfenv>

namespace otfleet::kernels::test {
namespace {

#ifdef OTFLEET_SLEEF
// SLEEF's exp raises the others for every argument whose result is 0.
constexpr int trapped = FE_DIVBYZERO;
#else
constexpr int trapped = FE_DIVBYZERO | FE_OVERFLOW | FE_INVALID;
#endif

}  // namespace

void set_traps(bool on) {
#ifdef __GLIBC__
  std::feclearexcept(FE_ALL_EXCEPT);
  if (on)
    feenableexcept(trapped);
  else
    fedisableexcept(trapped);
#else
  static_cast<void>(on);
#endif
}

}  // namespace otfleet::kernels::test
