#include <algorithm>

#include "src/families/linear/batch_solver.hpp"
#include "src/families/linear/methods/list.hpp"

namespace otfleet::methods {
namespace {

class Multiscale final : public Method {
 public:
  const char* name() const override { return "multiscale"; }
  std::string complaint(const kernels::Problems& measures) const override {
    return kernels::multiscale_complaint(measures);
  }
  double most_left_out(const SolverOptions& settings) const override {
    kernels::MultiscaleSettings multiscale;
    multiscale.sinkhorn.threshold = settings.threshold;
    return multiscale.certified_left_out();
  }
  void solve(const BatchSolver& solver, Batch& batch, const SolverOptions& options,
             std::int64_t max_iterations, SolveCounts& counts, kernels::IterationObserver* observer,
             const kernels::IterationWatch& watch) const override {
    kernels::MultiscaleSettings settings;
    settings.sinkhorn = sinkhorn_settings(options, solver.epsilon(), max_iterations);
    settings.sinkhorn.observer = observer;
    kernels::solve_multiscale(batch.problems, settings, arithmetic_of(options), batch.from_zeros,
                              batch.f, batch.progress, watch);
    const auto replaced = batch.progress.replaced.host();
    counts.replaced_starts += std::count(replaced.begin(), replaced.end(), 1);
  }
};

}  // namespace

const Method& multiscale() {
  static const Multiscale instance;
  return instance;
}

}  // namespace otfleet::methods
