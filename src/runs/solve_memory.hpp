#pragma once
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "src/job.hpp"
#include "src/memory/available_memory.hpp"

namespace otfleet {

/// What reading a population and solving its problems takes on a rank at least, from the shapes in
/// its file alone. Of a file that is not as it should be some parts are missing: reading it says
/// more. Local.
/// `sharing`: ranks that solve every problem together, each some of its rows.
std::vector<MemoryPart> solve_memory(const distributed::Hdf5File& population, const Job& job,
                                     int sharing = 1);

/// Throws UserError where that is more than there is; `processes` of this program share the
/// machine. Local.
void require_solve_memory(const std::filesystem::path& population, const Job& job, int processes,
                          int sharing = 1);

/// What the multiscale solver takes on a rank beside a population and its solutions, where the job
/// is going to use it: every rank has all points of the problem at hand. Local.
std::vector<MemoryPart> multiscale_memory(const distributed::Hdf5File& population, const Job& job);

/// As require_solve_memory(), of that alone: for ranks that share the points of clouds.
void require_multiscale_memory(const std::filesystem::path& population, const Job& job,
                               int processes);

/// Of the solutions of how many bytes a block of problems may be.
constexpr double most_block_bytes = 1 << 28;

}  // namespace otfleet
