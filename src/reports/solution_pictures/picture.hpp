#pragma once
#include <filesystem>

#include "distributed/hdf5_file.hpp"
#include "src/job.hpp"

namespace otfleet {

/// What a picture of a solution may look at: complete files. All that is read counts as time of the
/// run, so that a picture reads some rows, or one number a problem, and no more.
struct SolvedProblems {
  const distributed::Hdf5File& solution;
  const std::filesystem::path& population;  ///< file of the problems
  const Job& job;                           ///< epsilon is absolute
};

/// A picture of one kind of solutions. Rank 0 alone calls it; failures are exceptions, of which the
/// user sees one warning.
class SolutionPicture {
 public:
  virtual ~SolutionPicture() = default;
  /// What it shows, for a caption.
  virtual const char* shows() const = 0;
  /// Whether this is the picture for them. Looks at attributes and shapes, and at few rows.
  virtual bool fits(const SolvedProblems& solved) const = 0;
  /// Writes it as PNG with a mark (distributed::mark_png); false: gnuplot is missing, and said so.
  virtual bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const = 0;

 protected:
  SolutionPicture() = default;
  SolutionPicture(const SolutionPicture&) = default;
  SolutionPicture& operator=(const SolutionPicture&) = default;
};

}  // namespace otfleet
