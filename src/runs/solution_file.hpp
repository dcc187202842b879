#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/hdf5_file.hpp"
#include "distributed/shard.hpp"
#include "distributed/staged_path.hpp"
#include "src/runs/solution_layout.hpp"

namespace otfleet {

/// The solution of a population: one HDF5 file that all ranks write, rows in the population's order
/// whatever the rank count. Root attributes: otfleet_kind = "solution", otfleet_version = 1. What
/// else it holds says its layout: attributes, references, and a dataset for each column.
///   rows of the problems [P, shape of a row…], of a space with as many for each [P, rows, shape…]
///   where problems have different numbers of rows, all one after the other [rows, shape…], and
///   those of problem k begin at entry k of the space's offsets dataset [P + 1], int64
/// Every column's dataset has the attributes rows (the space's name), unit and meaning.
class SolutionFile {
 public:
  /// Creates the datasets under a temporary name; `counted` [spaces]: rows of counted spaces, of
  /// all problems together. Collective. Throws UserError.
  SolutionFile(const std::filesystem::path& file, const distributed::Communicator& communicator,
               SolutionLayout layout, const std::vector<std::int64_t>& counted);
  ~SolutionFile();

  /// Every rank writes problems of its own; an empty shard joins. `first` [spaces]: rows of counted
  /// spaces of all problems before. Collective.
  void write(distributed::Shard problems, SolutionTable table,
             const std::vector<std::int64_t>& first);

  /// Every rank writes its rows of one problem that all solved together; `rows` [spaces] counts
  /// within the problem. Rank 0 writes what there is one row of, and gathers what the dataset has
  /// as one row of a problem. Collective.
  void write_together(std::int64_t problem, const std::vector<distributed::Shard>& rows,
                      SolutionTable table);

  /// Gives the complete file its name. Collective.
  void commit();

 private:
  /// place(column): the rows of its dataset that this rank has.
  void write_columns(const SolutionTable& table,
                     const std::function<distributed::Shard(std::size_t column)>& place);

  distributed::Communicator communicator_;
  std::unique_ptr<distributed::StagedPath> staged_;  ///< rank 0
  std::unique_ptr<distributed::Hdf5File> file_;
  SolutionLayout layout_;
};

}  // namespace otfleet
