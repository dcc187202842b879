#pragma once
#include <memory>
#include <string>
#include <vector>

#include "src/reports/report.hpp"
#include "src/runs/command_context.hpp"
#include "src/runs/problem_set.hpp"

namespace otfleet {

/// A kind of problems, under the name that problem.kind has for it. All that commands know of it;
/// functions are collective and throw UserError.
struct Family {
  const char* kind;
  /// Reads the problems that `solve` is to solve.
  std::unique_ptr<ProblemSet> (*open)(const CommandContext& context, Report& report);
  /// Trains a model and writes it into the output folder.
  void (*train)(const CommandContext& context, Report& report);
  /// Compares what was trained, and other starts or maps; table, report.json, pictures.
  void (*evaluate)(const CommandContext& context, Report& report);
};

/// The families there are: one folder and one line each.
const std::vector<Family>& families();

/// That of a job.
const Family& family_of(const Job& job);

}  // namespace otfleet
