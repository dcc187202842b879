#include "kernels/solvers/newton/newton.hpp"

#include <variant>

#include "distributed/error.hpp"
#include "src/families/linear/batch_solver.hpp"
#include "src/families/linear/methods/list.hpp"

namespace otfleet::methods {
namespace {

class Newton final : public Method {
 public:
  const char* name() const override { return "newton"; }
  void solve(const BatchSolver& solver, Batch& batch, const SolverOptions& options,
             std::int64_t max_iterations, SolveCounts& counts,
             kernels::IterationObserver* observer) const override {
    const auto* cost = std::get_if<kernels::SeparableCost>(&solver.cost());
    if (cost == nullptr)
      throw UserError("solver.method = 'newton' needs a grid or a dense cost; use 'sinkhorn'");
    kernels::NewtonSettings settings;
    settings.epsilon = solver.epsilon();
    settings.threshold = options.threshold;
    settings.max_iterations = static_cast<int>(max_iterations);
    settings.observer = observer;
    if (observer != nullptr) observer->set_leaves_a_start(false);
    kernels::newton(ExecutionSpace(), *cost, batch.problems, settings, batch.from_zeros, batch.f,
                    batch.iterations, batch.status);
    if (observer != nullptr) observer->set_leaves_a_start(true);
    counts.newton += static_cast<std::int64_t>(batch.status.extent(0));
  }
};

}  // namespace

const Method& newton() {
  static const Newton instance;
  return instance;
}

}  // namespace otfleet::methods
