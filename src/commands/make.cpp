#include "src/commands/commands.hpp"
#include "src/families/family.hpp"

namespace otfleet {

void run_make(const CommandContext& context) {
  Report report("make", context.job, context.communicator);
  const Family& family = family_of(context.job);
  context.communicator.agree([&] {
    if (context.communicator.is_root()) family.make(context, report);
  });
  report.write(context.output);
}

}  // namespace otfleet
