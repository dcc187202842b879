#include "src/families/least_action/least_action_family.hpp"

namespace otfleet {

Family least_action_family() {
  return {ProblemKind::least_action,
          nullptr,
          open_paths,
          train_paths,
          evaluate_paths,
          nullptr,
          nullptr};
}

}  // namespace otfleet
