#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "distributed/shard.hpp"
#include "kernels/paths/lagrangian.hpp"
#include "src/runs/command_context.hpp"

namespace otfleet {

/// The points that paths of a job connect.
struct PathEnds {
  std::filesystem::path file;  ///< that names them
  std::int64_t dimension = 0, from_count = 0, to_count = 0;
  std::vector<double> from, to;  ///< [count, dimension]
  bool all = false;              ///< every one with every one

  std::int64_t paths() const { return all ? from_count * to_count : from_count; }
  std::int64_t from_of(std::int64_t path) const { return all ? path / to_count : path; }
  std::int64_t to_of(std::int64_t path) const { return all ? path % to_count : path; }

  /// The ends of some paths, [paths, dimension] each.
  std::vector<double> from_points(distributed::Shard paths) const;
  std::vector<double> to_points(distributed::Shard paths) const;

  /// 16 hex digits over all of it.
  std::string fingerprint() const;
};

/// Throws UserError that names the command: [samples] names no ends, or files do, which are for
/// solve alone. Local.
void require_sampled_ends(const Job& job, const std::string& command);

/// Reads or draws them. Throws UserError: files that cannot be read, sides that do not fit each
/// other or the Lagrangian, more paths than can be counted. Local.
PathEnds read_path_ends(const CommandContext& context, const kernels::Lagrangian& lagrangian);

}  // namespace otfleet
