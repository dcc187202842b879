#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"

namespace otfleet::page {

/// A row of a solution with its certificate. NaN: the file does not say it.
struct CertifiedRow {
  std::int64_t problem = 0;
  std::string status;
  std::optional<std::int32_t> source, target;  ///< measures
  std::optional<std::int32_t> iterations;
  double cost, lower, upper, gap, error;
};

/// How many values are between neighboring edges.
struct Histogram {
  std::vector<double> edges, counts;
  bool empty() const { return counts.empty(); }
};

/// What a page says of a solution: counts, distributions, and the rows that are worst.
struct SolutionSummary {
  static constexpr std::size_t most_rows = 8;  ///< of each list

  std::int64_t problems = 0;
  std::string cost_name, error_name, lower_name, upper_name;  ///< "marginal error"; empty: none
  std::optional<double> threshold;
  std::map<std::string, std::int64_t> statuses;
  Histogram costs, errors, gaps;  ///< errors and gaps: of those above 0, edges of equal ratio
  std::int64_t failed = 0;
  /// The largest first; not finite counts as larger than anything.
  std::vector<CertifiedRow> largest_errors, largest_gaps, not_converged;
};

/// Reads a solution twice, a piece in memory at a time. Throws UserError. Local.
SolutionSummary summarize(const distributed::Hdf5File& solution);

}  // namespace otfleet::page
