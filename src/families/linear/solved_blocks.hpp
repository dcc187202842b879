#pragma once
#include <cstdint>
#include <vector>

#include "src/families/linear/batch_solver.hpp"
#include "src/runs/solve_control.hpp"

// Batches as a SolveControl iterates and saves them.

namespace otfleet {

/// A batch of balanced problems. A state is f.
class BalancedBlock final : public SolvedBlock {
 public:
  /// Keeps references to its arguments but the settings.
  BalancedBlock(const BatchSolver& solver, const SolverOptions& settings, Batch& batch,
                SolveCounts& counts);

  void run(const std::vector<std::int32_t>& which, std::int64_t limit,
           kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
           std::vector<std::int32_t>& status) override;
  std::vector<double> potential(std::int32_t problem) const override;
  void set_potential(std::int32_t problem, const std::vector<double>& values) override;

 private:
  DeviceArray<double> row(std::int32_t problem) const;
  void write_starts(const std::vector<std::int32_t>& which,
                    const std::vector<std::int32_t>& iterations,
                    const std::vector<std::int32_t>& status);

  const BatchSolver& solver_;
  SolverOptions settings_;
  Batch& batch_;
  SolveCounts& counts_;
  std::vector<std::int64_t> offsets_;
};

/// A batch of problems that are not balanced. A state is f, g and the mass potential.
class UnbalancedBlock final : public SolvedBlock {
 public:
  UnbalancedBlock(const kernels::Problems& problems, const kernels::UnbalancedSettings& settings,
                  const kernels::UnbalancedResult& result);

  void run(const std::vector<std::int32_t>& which, std::int64_t limit,
           kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
           std::vector<std::int32_t>& status) override;
  std::vector<double> potential(std::int32_t problem) const override;
  void set_potential(std::int32_t problem, const std::vector<double>& values) override;

 private:
  void start_all();

  kernels::Problems problems_;
  kernels::UnbalancedSettings settings_;
  kernels::UnbalancedResult result_;
  std::vector<std::int64_t> source_offsets_, target_offsets_;
};

}  // namespace otfleet
