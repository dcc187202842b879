#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "src/families/linear/solver_options.hpp"
#include "src/populations/geometry_kind.hpp"
#include "src/runs/command_context.hpp"

namespace otfleet {

/// The population that a job names, classified once.
struct LinearInput {
  std::filesystem::path file;
  std::optional<GeometryKind> kind = {};  ///< none: reading the population says what is wrong

  bool clouds() const { return kind == GeometryKind::clouds; }
  /// Whether ranks can solve a problem together: costs come from points, by a method that needs no
  /// table of them.
  bool splits(const SolverOptions& solver) const;
};

/// How the ranks share a population.
struct ShardChoice {
  bool rows = false;   ///< all ranks solve every problem together, each some of its rows
  std::string reason;  ///< one line for the report
};

/// What solver.shard means for a population. "auto": where ranks can solve a problem together, what
/// leaves the busiest rank less to do in an iteration, pairs of points and messages counted, or
/// what an unfinished run did; of problems on common points rows only where there are fewer
/// problems than ranks, since a rank solves several of them in little more time than one. Elsewhere
/// problems. Collective. Throws UserError where the job asks for rows of what does not split, or of
/// a share.
ShardChoice choose_shard(const CommandContext& context, const LinearInput& input);

}  // namespace otfleet
