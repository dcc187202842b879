#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/shard.hpp"
#include "src/runs/solution_layout.hpp"

namespace otfleet {

/// What a solve that was ended leaves for the next run of the same job, in a folder of the
/// solution's own: solutions of problems that are done (any rank holds any of them), and the
/// potentials of problems on their way.
///
/// A file is complete whenever it has its name; root attributes otfleet_kind, otfleet_version = 1,
/// job (of which run it is) and checksum.
///   rows-<begin>-<end>-<job>.h5, kind solution_part: attributes rows_begin, rows_end and the
///     layout's counters; the layout's columns for these problems alone, flat
///   potentials-<problem>-<begin>-<end>-<job>.h5, kind partial_potentials: attribute iterations;
///     dataset f [end − begin] float64, cost units. From time to time every rank saves the
///     potentials of its points, and a run that goes on, on as many ranks or not, starts from
///     them. They need not be of the same iteration: any f is a start.
class SolveStore {
 public:
  /// Who iterates a problem: the rank that took it, or all ranks together.
  enum class Iterated { by_one_rank, by_all_ranks };

  /// Finds what earlier runs of the same job have left in `folder`; `identity` says which job it
  /// is. What is damaged, of another job, or there twice is passed over with a warning. Collective.
  SolveStore(std::filesystem::path folder, const distributed::Communicator& communicator,
             SolutionLayout layout, std::string identity, double checkpoint_seconds,
             Iterated iterated = Iterated::by_one_rank);

  // Problems that are solved --------------------------------------------------------------------

  /// The problems that earlier runs solved; the same on every rank.
  const std::vector<distributed::Shard>& found() const { return found_; }
  /// How many of `problems` are solved, on all ranks together. Collective.
  std::int64_t solved(distributed::Shard problems) const;
  /// Keeps solutions of this rank; moves all to files when they take much memory, or every
  /// checkpoint_seconds. Local. Throws UserError.
  void add(distributed::Shard problems, SolutionTable table);
  /// Moves what is in memory to files. Local. Throws UserError.
  void save();
  /// Rows of counted spaces of all problems together [spaces], and where those of every problem
  /// belong: in the population's order. To be called once, when all is solved. Collective.
  std::vector<std::int64_t> place_counted_rows();
  /// Calls body(problems, table, first rows of counted spaces) for all that is solved, every
  /// problem once, as often on every rank; the last ones may be empty. Reads files, and gives up
  /// what is in memory. Collective.
  void for_each(const std::function<void(distributed::Shard, SolutionTable,
                                         const std::vector<std::int64_t>& first)>& body);

  // Problems on their way: collective over those who iterate them --------------------------------

  /// Whether earlier runs left potentials of a problem. Local.
  bool has_potentials(std::int64_t problem) const;
  /// Writes what earlier runs left of these points of a problem into f [points.size()] and returns
  /// the iterations behind it; 0: they left nothing, on no rank. Damaged files are passed over with
  /// a warning.
  std::int64_t load_potentials(std::int64_t problem, distributed::Shard points,
                               std::vector<double>& f) const;
  /// Throws UserError.
  void save_potentials(std::int64_t problem, distributed::Shard points,
                       const std::vector<double>& f, std::int64_t iterations);
  enum class Due : std::int64_t { nothing, save, end };
  /// What is to be done now: save_potentials() every checkpoint_seconds, or save and end, when a
  /// rank was asked to. The same on all ranks.
  Due due() const;

  // All of it ------------------------------------------------------------------------------------

  /// Removes the files of this job, or warns: what they hold is in a complete solution. Collective.
  void remove();

  /// Whether `folder` holds solved problems, and potentials of problems that ranks iterated
  /// together.
  static bool has_solved(const std::filesystem::path& folder);
  static bool has_shared_potentials(const std::filesystem::path& folder);

 private:
  struct Block {
    distributed::Shard problems;
    std::vector<std::int64_t> counted, first;  ///< [spaces], rows of counted spaces
    SolutionTable table;                       ///< in memory
    bool in_file = false;
  };
  struct Potentials {
    std::int64_t problem = 0;
    distributed::Shard points;
    std::filesystem::path file;
  };
  enum class Verdict : std::int64_t { good, damaged, of_another_job };

  std::filesystem::path file_of(distributed::Shard problems) const;
  Verdict inspect(const std::filesystem::path& file, Block& block) const;
  void find_solved();
  void find_potentials();
  void write(const Block& block) const;
  SolutionTable read(const Block& block) const;

  std::filesystem::path folder_;
  distributed::Communicator communicator_, iterating_;
  SolutionLayout layout_;
  std::string identity_;
  std::chrono::duration<double> interval_;
  std::size_t most_bytes_;  ///< in memory
  std::vector<distributed::Shard> found_;
  std::vector<Block> blocks_;  ///< of this rank
  std::size_t bytes_in_memory_ = 0;
  std::vector<Potentials> potentials_;
  std::chrono::steady_clock::time_point rows_saved_ = std::chrono::steady_clock::now(),
                                        potentials_saved_ = rows_saved_;
};

}  // namespace otfleet
