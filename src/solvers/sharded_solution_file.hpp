#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "distributed/communicator.hpp"
#include "distributed/hdf5_file.hpp"
#include "distributed/staged_path.hpp"
#include "src/config/job.hpp"
#include "src/solvers/sharded_cloud_solver.hpp"
#include "src/solvers/solution_file.hpp"

namespace otfleet {

/// The file of SolutionFile, written where every rank has rows of every problem instead of problems
/// of its own: readers see no difference. For balanced problems, without entries of plans.
class ShardedSolutionFile {
 public:
  /// Creates the datasets under a temporary name. Collective. Throws UserError.
  ShardedSolutionFile(const std::filesystem::path& file,
                      const distributed::Communicator& communicator, SolutionLayout layout,
                      const Job& job, const std::string& population_name);

  /// Every rank writes its rows of a problem's potentials and projection. Collective.
  void write(std::int64_t problem, const ShardedCloudSolver::Part& part);

  /// Writes the figures of all problems, which all ranks have, and gives the complete file its
  /// name. Collective.
  void commit(const Solutions& figures);

 private:
  distributed::Communicator communicator_;
  std::unique_ptr<distributed::StagedPath> staged_;  ///< rank 0
  std::unique_ptr<distributed::Hdf5File> file_;
  SolutionLayout layout_;
  Job::Solution wanted_;
};

}  // namespace otfleet
