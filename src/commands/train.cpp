#include "src/commands/commands.hpp"
#include "src/families/family.hpp"

namespace otfleet {

void run_train(const CommandContext& context) {
  Report report("train", context.job, context.communicator);
  family_of(context.job).train(context, report);
}

}  // namespace otfleet
