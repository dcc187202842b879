#include "src/families/metric_learning/metric_family.hpp"

namespace otfleet {

Family metric_family() {
  return {ProblemKind::metric_learning,
          nullptr,
          nullptr,
          train_metric,
          evaluate_metric,
          nullptr,
          nullptr};
}

}  // namespace otfleet
