#include "src/commands/commands.hpp"
#include "src/families/family.hpp"

namespace otfleet {

void run_evaluate(const CommandContext& context) {
  Report report("evaluate", context.job, context.communicator);
  family_of(context.job).evaluate(context, report);
}

}  // namespace otfleet
