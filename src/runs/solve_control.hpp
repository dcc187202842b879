#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "distributed/shard.hpp"
#include "kernels/solvers/iteration_observer.hpp"
#include "src/interruption.hpp"
#include "src/runs/solve_store.hpp"

namespace otfleet {

/// A block of problems as a SolveControl sees it: potentials that a solver changes. Problems are
/// counted from the first of the block.
class SolvedBlock {
 public:
  virtual ~SolvedBlock() = default;
  /// Iterates problems `which` from where their potentials are, with `observer`, at most `limit`
  /// iterations each, and fills iterations and status [which.size()].
  virtual void run(const std::vector<std::int32_t>& which, std::int64_t limit,
                   kernels::IterationObserver& observer, std::vector<std::int32_t>& iterations,
                   std::vector<std::int32_t>& status) = 0;
  /// What there is to save of a problem, always of the same length, and back.
  virtual std::vector<double> potential(std::int32_t problem) const = 0;
  virtual void set_potential(std::int32_t problem, const std::vector<double>& values) = 0;
};

/// Watches a rank's solving within a block of problems: says how far it is, saves potentials every
/// checkpoint_seconds and when the run is asked to end, and begins with what an earlier run saved.
///
/// What is saved is the potential alone: momentum begins anew from it, and Newton's method anneals
/// again unless it had reached the epsilon asked for. A solution that was interrupted is therefore
/// not the same to the last bit, but as good: the same threshold, the same certificate. A block
/// that is done half a second after the run was asked to end is not interrupted at all.
class SolveControl final : public kernels::IterationObserver {
 public:
  struct Hooks {
    std::function<bool()> asked_to_end;
    std::function<void(std::int64_t problem, std::int64_t iterations, double error)> tell;
  };

  /// Keeps a reference to `store`, whose problems one rank iterates.
  SolveControl(SolveStore& store, double checkpoint_seconds, Hooks hooks);

  /// Solves the problems of a population that `block` has, and fills iterations and status
  /// [problems.size()], those of earlier runs counted. Throws Interrupted, with all saved, when the
  /// run was asked to end.
  void solve(std::vector<std::int64_t> problems, std::int64_t max_iterations, SolvedBlock& block,
             std::vector<std::int32_t>& iterations, std::vector<std::int32_t>& status);
  /// The same of the problems `rows`.
  void solve(distributed::Shard rows, std::int64_t max_iterations, SolvedBlock& block,
             std::vector<std::int32_t>& iterations, std::vector<std::int32_t>& status);

  /// After solve(), while what is left to do is as long as a certificate: where the problems were
  /// few and long, they are saved, and a signal ends the run at once. Throws Interrupted as
  /// solve().
  std::optional<EndAtOnce> may_end_at_once();

 private:
  using Clock = std::chrono::steady_clock;

  bool observe(int problem, int iterations, double error) noexcept override;
  void save(const SolvedBlock& block);

  SolveStore& store_;
  std::chrono::duration<double> checkpoint_seconds_;
  std::chrono::duration<double> interval_{};  ///< between saves on the way of this block
  Hooks hooks_;
  std::vector<std::int64_t> problems_;  ///< of the block
  std::vector<std::int32_t> which_;     ///< of the block, on their way
  std::vector<std::int64_t> made_;      ///< [problems], iterations before this launch
  Clock::time_point began_, saved_;
  std::optional<Clock::time_point> asked_;  ///< when this rank first saw that it was asked to end
  bool all_saved_ = false;
};

}  // namespace otfleet
