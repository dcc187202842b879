#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/shard.hpp"
#include "src/job.hpp"
#include "src/runs/solutions.hpp"

namespace otfleet {

/// What is solved of a population so far: in memory, and from time to time moved into files, from
/// which a run that was ended goes on. Any rank holds any problems.
///
/// A file is `rows-<begin>-<end>-<job>.h5` in a folder of the solution's own, complete whenever it
/// has this name. Root attributes: otfleet_kind = "solution_part", otfleet_version = 1, job (of
/// which run it is), rows_begin, rows_end, newton, replaced_starts, checksum. Datasets: those of
/// SolutionFile, for these problems alone, flat.
class PartialSolution {
 public:
  /// Finds what earlier runs of the same job have left in `folder`; `identity` says which job it
  /// is. What is damaged, of another job, or there twice is passed over with a warning. Collective.
  PartialSolution(std::filesystem::path folder, const distributed::Communicator& communicator,
                  const Job& job, std::string identity);

  /// The problems that earlier runs solved; the same on every rank.
  const std::vector<distributed::Shard>& found() const { return found_; }

  /// How many of `rows` are solved, on all ranks together. Collective.
  std::int64_t solved(distributed::Shard rows) const;

  /// Keeps solutions of this rank; moves all to files when they take much memory, or every
  /// solver.checkpoint_seconds. Local. Throws UserError.
  void add(distributed::Shard rows, Solutions solutions);

  /// Moves what is in memory to files. Local. Throws UserError.
  void save();

  /// Entries of all plans, and where those of every problem belong: in the population's order. To
  /// be called once, when all is solved. Collective.
  std::int64_t place_plan_entries();

  /// Calls body(rows, solutions, first plan entry) for all that is solved, every problem once, as
  /// often on every rank; the last ones may be empty. Reads files, and gives up what is in memory.
  /// Collective.
  void for_each(
      const std::function<void(distributed::Shard, Solutions, std::int64_t first_entry)>& body);

  /// True where `folder` holds such files.
  static bool any_in(const std::filesystem::path& folder);

  /// Removes such files of this job, or warns: what they hold is in a complete solution.
  /// Collective.
  void remove();

 private:
  struct Block {
    distributed::Shard rows;
    std::int64_t plan_entries = 0, first_entry = 0;
    Solutions solutions;  ///< in memory
    bool in_file = false;
  };
  enum class Verdict : std::int64_t { good, damaged, of_another_job };

  std::filesystem::path file_of(distributed::Shard rows) const;
  Verdict inspect(const std::filesystem::path& file, Block& block) const;
  void find();
  void append(Block& block, Solutions&& more) const;
  std::size_t bytes(const Solutions& solutions) const;
  void write(const Block& block) const;
  Solutions read(const Block& block) const;

  std::filesystem::path folder_;
  distributed::Communicator communicator_;
  std::string identity_;
  SolutionContents contents_;
  double checkpoint_seconds_;
  std::size_t most_bytes_;  ///< in memory
  std::vector<distributed::Shard> found_;
  std::vector<Block> blocks_;  ///< of this rank
  std::size_t bytes_in_memory_ = 0;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

}  // namespace otfleet
