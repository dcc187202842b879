#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "distributed/shard.hpp"

namespace otfleet {

/// The figures of some problems that every solution has under one name or another. Empty: the file
/// does not have them.
struct SolutionNumbers {
  distributed::Shard rows;
  std::vector<std::int32_t> status, iterations;
  std::vector<double> cost, lower, upper, error;

  /// (upper − lower) / |upper|, at least 0; NaN where one of them is not finite or unknown.
  double relative_gap(std::size_t k) const;
};

/// Reads them from a solution of any family, a piece in memory at a time. Keeps a reference to the
/// file. Local. Throws UserError for a file without /solution/status.
class SolutionReader {
 public:
  explicit SolutionReader(const distributed::Hdf5File& file);

  std::int64_t problems() const { return problems_; }
  bool has_bounds() const { return !upper_.empty(); }
  /// Names without "/solution/": "transport_cost", "marginal_error"; empty: there is none.
  const std::string& cost_name() const { return cost_; }
  const std::string& error_name() const { return error_; }
  const std::string& upper_name() const { return upper_; }
  const std::string& lower_name() const { return lower_; }
  /// What the error is compared with.
  std::optional<double> threshold() const;
  /// "iteration limit", or the number where the file has no word for it.
  std::string status_word(std::int32_t status) const;

  SolutionNumbers read(distributed::Shard rows) const;
  /// All of them, in order.
  void for_each_piece(const std::function<void(const SolutionNumbers&)>& body) const;

 private:
  std::string first_of(const std::vector<std::string>& names) const;

  const distributed::Hdf5File& file_;
  std::int64_t problems_ = 0;
  std::string cost_, lower_, upper_, error_;
  bool counts_iterations_ = false;
};

}  // namespace otfleet
