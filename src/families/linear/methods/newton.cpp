#include "distributed/error.hpp"
#include "src/families/linear/batch_solver.hpp"
#include "src/families/linear/methods/list.hpp"

namespace otfleet::methods {
namespace {

class Newton final : public Method {
 public:
  const char* name() const override { return "newton"; }
  void solve(const BatchSolver& solver, Batch& batch, const SolverOptions& options,
             std::int64_t max_iterations, SolveCounts& counts, kernels::IterationObserver* observer,
             const kernels::IterationWatch& /*watch*/) const override {
    if (batch.problems.table() == nullptr)
      throw UserError("solver.method = 'newton' needs a grid or a dense cost; use 'sinkhorn'");
    kernels::NewtonSettings settings;
    settings.epsilon = solver.epsilon();
    settings.threshold = options.threshold;
    settings.max_iterations = static_cast<int>(max_iterations);
    settings.observer = observer;
    if (observer != nullptr) observer->set_leaves_a_start(false);
    kernels::solve_newton(batch.problems, settings, batch.from_zeros, batch.f, batch.progress);
    if (observer != nullptr) observer->set_leaves_a_start(true);
    counts.newton += batch.size();
  }
};

}  // namespace

const Method& newton() {
  static const Newton instance;
  return instance;
}

}  // namespace otfleet::methods
