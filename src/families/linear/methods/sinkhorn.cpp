#include <algorithm>

#include "src/families/linear/batch_solver.hpp"
#include "src/families/linear/methods/list.hpp"

namespace otfleet::methods {
namespace {

class Sinkhorn final : public Method {
 public:
  const char* name() const override { return "sinkhorn"; }
  bool iterates_sinkhorn() const override { return true; }
  bool auto_may_be_quicker() const override { return true; }
  void solve(const BatchSolver& solver, Batch& batch, const SolverOptions& settings,
             std::int64_t max_iterations, SolveCounts& counts, kernels::IterationObserver* observer,
             const kernels::IterationWatch& watch) const override {
    solver.sinkhorn(batch, settings, max_iterations, {}, observer, watch);
    const auto replaced = batch.progress.replaced.host();
    counts.replaced_starts += std::count(replaced.begin(), replaced.end(), 1);
  }
};

}  // namespace

const Method& sinkhorn() {
  static const Sinkhorn instance;
  return instance;
}

}  // namespace otfleet::methods
