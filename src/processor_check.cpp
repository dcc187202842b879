#include "src/processor_needs.hpp"

// Compiled for any x86-64 (CMakeLists.txt), and without headers of C++: the linker might take an
// inline function of one from a file that is compiled for a newer processor.

#if defined(__x86_64__) && defined(__GNUC__)
#include <string.h>
#include <unistd.h>

namespace otfleet {
namespace {

ProcessorFeatures features_here() {
  __builtin_cpu_init();
  ProcessorFeatures here;
#define OTFLEET_DETECT(name, text) here.name = __builtin_cpu_supports(text) != 0;
  OTFLEET_FOR_EACH_PROCESSOR_FEATURE(OTFLEET_DETECT)
#undef OTFLEET_DETECT
  return here;
}

/// The first feature that the program needs and the processor lacks; null: none.
const char* missing(const ProcessorFeatures& needs, const ProcessorFeatures& here) {
#define OTFLEET_COMPARE(name, text) \
  if (needs.name && !here.name) return text;
  OTFLEET_FOR_EACH_PROCESSOR_FEATURE(OTFLEET_COMPARE)
#undef OTFLEET_COMPARE
  return nullptr;
}

/// What compilers call all that a processor of this age has.
const char* architecture(const ProcessorFeatures& here) {
  if (!(here.sse4_2 && here.popcnt)) return "x86-64";
  if (!(here.avx2 && here.fma && here.bmi && here.bmi2)) return "x86-64-v2";
  const bool avx512 =
      here.avx512f && here.avx512bw && here.avx512cd && here.avx512dq && here.avx512vl;
  return avx512 ? "x86-64-v4" : "x86-64-v3";
}

void say(const char* text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(2);
}

/// Runs before the constructors of other files, some of which compute.
__attribute__((constructor(101))) void check_processor() {
  const ProcessorFeatures here = features_here();
  const char* const lacks = missing(processor_needs, here);
  if (lacks == nullptr) return;
  say("otfleet: this program was built for a processor with ");
  say(lacks);
  say(", which this machine does not have; build it with -D OTFLEET_ARCH=");
  say(architecture(here));
  say(" for this one\n");
  _exit(2);
}

}  // namespace
}  // namespace otfleet
#endif
