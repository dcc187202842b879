#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "src/job.hpp"
#include "src/populations/any_population.hpp"

// `otfleet solve --source FILE …`: data instead of a job. What the options say becomes a job file
// and a population, and these are solved as any others.

namespace otfleet {

/// The options; a name of an array is a file, or file:name in HDF5 and .npz. Empty: not given.
struct OwnData {
  std::string source, target;
  std::string source_weights, target_weights;  ///< of points
  std::string source_groups, target_groups;    ///< of points: which of them are a measure
  std::string points, target_points;           ///< that all measures share
  std::string cost;                            ///< a ground cost, or the file of a cost matrix
  std::optional<double> epsilon;               ///< in units of the cost
  std::string kind;                            ///< what the arrays are: weights, images, points
  std::string pairs;                           ///< one_to_one, all, one_to_all

  bool given() const { return !source.empty(); }
};

/// The job and the population that options mean, and what was taken for what, in lines for people.
struct OwnProblems {
  Job job;
  AnyPopulation population;
  std::string said;
};

/// The folder that results go to unless the user names one: "a-out" of data/a.npy.
std::filesystem::path own_output(const OwnData& data);

/// Reads the arrays and builds the population; nothing is written. `overrides` are those of the
/// command line. Throws UserError that names the file or option and what to do next. Local.
OwnProblems read_own_data(const OwnData& data, const std::vector<std::string>& overrides);

/// Writes job.toml and population.h5 into `output`, which exists; `command` is the command line as
/// it was typed. Files that say the same already stay as they are; files that somebody else made,
/// or has edited since, are not replaced. `shared`: other runs may be writing the same files.
/// Throws UserError. Local.
void write_own_data(OwnProblems& problems, const std::string& command,
                    const std::filesystem::path& output, bool shared);

/// What a run prints at its end: a table of the solution, unless only a share of it was solved, and
/// what to do next. Throws UserError. Local.
std::string own_data_results(const std::filesystem::path& output, bool of_a_share);

}  // namespace otfleet
