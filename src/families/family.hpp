#pragma once
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "src/reports/report.hpp"
#include "src/runs/command_context.hpp"
#include "src/runs/problem_set.hpp"

namespace otfleet {

/// A kind of problems. All that commands know of it; functions are collective and throw UserError.
struct Family {
  ProblemKind kind;
  // Null where refusals.cpp says that the kind does not have the command.
  /// Builds the populations of a job in the output folder. Local: rank 0 alone calls it.
  void (*make)(const CommandContext& context, Report& report);
  /// Reads the problems that `solve` is to solve.
  std::unique_ptr<ProblemSet> (*open)(const CommandContext& context, Report& report);
  /// Trains a model and writes it into the output folder.
  void (*train)(const CommandContext& context, Report& report);
  /// Compares what was trained, and other starts or maps; table, report.json, pictures.
  void (*evaluate)(const CommandContext& context, Report& report);
  /// Reads a population file of the family and prints what `info` says of it beside its datasets.
  /// Local. Null: the family has no population files.
  void (*describe)(const std::filesystem::path& population, std::ostream& to);
  /// problem.epsilon_relative of the cost in a population file. Local. Null: no cost is in files.
  double (*cost_statistic)(const std::filesystem::path& population, const Job& job);
};

/// The families there are: one folder and one line each.
const std::vector<Family>& families();

/// That of a job.
const Family& family_of(const Job& job);

/// That of a population file: its root attribute otfleet_family, or the first one. Throws UserError
/// for one that is not known.
const Family& family_of(const distributed::Hdf5File& population);

}  // namespace otfleet
