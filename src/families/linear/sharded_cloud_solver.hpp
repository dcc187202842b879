#pragma once
#include <cstdint>
#include <functional>

#include "distributed/communicator.hpp"
#include "distributed/ring_exchange.hpp"
#include "distributed/shard.hpp"
#include "kernels/problems/cloud_communicator.hpp"
#include "src/families/linear/solutions.hpp"
#include "src/job.hpp"
#include "src/populations/population_rows.hpp"
#include "src/runs/solve_seconds.hpp"
#include "src/runs/solve_store.hpp"

namespace otfleet {

/// The ranks of a communicator that share one problem: sums by MPI, columns around a ring.
class RingCommunicator final : public kernels::CloudCommunicator {
 public:
  explicit RingCommunicator(const distributed::Communicator& communicator)
      : communicator_(communicator), ring_(communicator) {}

  int rank() const override { return communicator_.rank(); }
  int size() const override { return communicator_.size(); }

  void sum(std::span<double> values) override;
  void max(std::span<double> values) override;
  void exchange(std::size_t bytes, const Fill& fill, const Visit& visit) override;

  /// Wall seconds of waiting for columns of other ranks; local.
  double wait_seconds() const { return ring_.wait_seconds(); }

 private:
  distributed::Communicator communicator_;
  distributed::RingExchange ring_;
};

/// Solves problems between points by all ranks together, by Sinkhorn's iteration or, where they are
/// not balanced, by block ascent, with a certificate for each: the answers of PopulationSolver, but
/// for rounding. Starts are those that need no point of another rank.
///
/// Rank r of p holds a contiguous p-th of a problem's source points and one of its target points,
/// with their weights and potentials. On CPUs Sinkhorn's iteration gathers all targets on every
/// rank where they fit (SinkhornSettings::kept_bytes): a rank fits the potentials of its sources,
/// and the targets' sums are added over the ranks. Elsewhere a rank fits the potentials of its own
/// points of both sides. What an update needs of the other side comes by in blocks: every rank's
/// columns and potentials go around a ring, each block moving on while it is used, and add to the
/// sums of the rows that are here. A ring because nobody has room for all columns, every link
/// carries the same load, and a rank talks to two others however many there are; the next block, (d
/// + 1)/p of the points, is there long before n m/p² pairs are through. Sums over points (errors,
/// values, what steers the momentum) are reduced, so that all ranks take the same decisions.
///
/// Memory of a rank: O((n + m) d/p), and O(m d) where all targets fit. Work: (pairs)/p, in equal
/// parts where weights are positive everywhere.
class ShardedCloudSolver {
 public:
  /// A problem on one rank: this rank's points of both sides.
  struct DistributedProblem {
    distributed::Shard sources, targets;  ///< which points of the measures
    CloudTable source_table, target_table;
    kernels::Problems problem;  ///< one, its points distributed over the ranks
  };

  /// A problem's answer on one rank.
  struct Part {
    distributed::Shard sources, targets;  ///< the points whose potentials these are
    Solutions solutions;                  ///< one problem; figures are the same on all ranks
    bool ended = false;                   ///< before it was solved: the run was asked to end
  };

  /// Told on the way how far a problem is.
  using Tell = std::function<void(std::int64_t iterations, double error)>;

  /// Keeps references to its arguments.
  ShardedCloudSolver(const PopulationRows& population, double epsilon,
                     const distributed::Communicator& communicator);

  /// Every rank reads its points of a problem. Collective; what is then done with the problem is so
  /// too. Throws UserError for points that the cost cannot take.
  DistributedProblem load(std::int64_t problem);

  /// Collective. Adds to `seconds`. With `store`, goes on from what that has of the problem, and
  /// saves there; iterations count from the first on. Throws UserError as load().
  Part solve(std::int64_t problem, const ProblemOptions& kind, const SolverOptions& settings,
             const SolutionOptions& wanted, SolveSeconds& seconds, SolveStore* store = nullptr,
             const Tell& tell = {});

  /// Wall seconds of waiting for columns of other ranks; local.
  double wait_seconds() const { return point_communicator_.wait_seconds(); }

 private:
  const PopulationRows& population_;
  double epsilon_;
  const distributed::Communicator& communicator_;
  RingCommunicator point_communicator_;
};

}  // namespace otfleet
