#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "distributed/shard.hpp"
#include "src/reports/convergence.hpp"
#include "src/runs/solution_layout.hpp"
#include "src/runs/solve_control.hpp"
#include "src/runs/solve_seconds.hpp"
#include "src/runs/solve_store.hpp"

namespace otfleet {

/// Figures over solved problems.
struct SolveTally {
  StatusCounts statuses;
  std::int64_t iterations = 0;
  double max_error = 0, max_gap = 0;   ///< of those that are finite; the gap relative to the upper
  std::int64_t not_finite = 0;         ///< problems whose error or gap is not
  std::vector<std::int64_t> counters;  ///< as the layout names them

  SolveTally() = default;
  explicit SolveTally(const SolutionLayout& layout) : counters(layout.counters.size(), 0) {}

  void add(const SolutionLayout& layout, const SolutionTable& table);
  void reduce(const distributed::Communicator& communicator);
};

/// What a rank has of a problem that all ranks solve together.
struct TogetherPart {
  std::vector<distributed::Shard> rows;  ///< [spaces], within the problem; not of space 0
  SolutionTable table;                   ///< numbers of the problem are the same on all ranks
  bool ended = false;                    ///< asked to end on the way, with all saved; no table
};

/// Problems of one family, read from where the job says and ready to be solved: all that a solve
/// run knows of them. Local unless said otherwise.
class ProblemSet {
 public:
  /// Says how far a problem is.
  using Tell = std::function<void(std::int64_t problem, std::int64_t iterations, double error)>;

  virtual ~ProblemSet() = default;
  ProblemSet() = default;
  ProblemSet(const ProblemSet&) = delete;
  ProblemSet& operator=(const ProblemSet&) = delete;

  std::filesystem::path file;  ///< the problems'
  SolutionLayout layout;
  /// What solutions depend on, as text: what an unfinished run of another one left is of no use.
  std::string identity;
  std::string method, reason;  ///< for the report
  /// How many problems to take at first, when nothing is known of their cost, and at most: their
  /// potentials, and what is made from plans, have to fit into memory.
  std::int64_t first_problems = 1, most_problems = 1;
  /// Where sequences begin and the last ends [S + 1], of problems that one rank has to solve in
  /// order, each after the one before; empty: any rank solves any problem.
  std::vector<std::int64_t> sequences;
  bool together = false;     ///< all ranks solve every problem together, one after the other
  std::string shard_reason;  ///< for the report: why, or why not

  /// What comes before the first problem and counts as solving.
  virtual void prepare() {}
  /// About how much work problems are, in any unit.
  virtual double work(distributed::Shard problems) const {
    return static_cast<double>(problems.size());
  }
  /// Solves problems, any of them on any rank; of sequences, in order. Throws Interrupted where the
  /// control ends it.
  virtual SolutionTable solve(distributed::Shard problems, SolveSeconds& seconds,
                              SolveControl& control);
  /// Solves one problem with all ranks. Collective.
  virtual TogetherPart solve_together(std::int64_t problem, SolveStore& store, const Tell& tell,
                                      SolveSeconds& seconds);

  /// Adds to report.json what this family reports beside what all do.
  virtual void report(nlohmann::json& figures, const SolveTally& tally) const = 0;
  /// One line that says which problems did not converge and what to do; empty: all did.
  virtual std::string complaint(const StatusCounts& statuses) const = 0;
  /// For people: what a problem is called (plural), and what its error is.
  virtual const char* items() const { return "problems"; }
  virtual const char* error_name() const = 0;
};

}  // namespace otfleet
