#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "distributed/communicator.hpp"
#include "src/job.hpp"

namespace otfleet {

/// Exit code of a run with --strict in which a problem did not converge.
constexpr int not_converged_exit_code = 3;

/// Such a run, its results written; main() prints the message and exits with that code.
class NotConverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How many problems (or mapped points) ended how: by the numbers of kernels::Status, or of
/// kernels::ConjugateStatus.
class StatusCounts {
 public:
  static constexpr int kinds = 5;

  void add(std::span<const std::int32_t> statuses);
  void add(std::int32_t status, std::int64_t count = 1);
  /// Over all ranks. Collective.
  void reduce(const distributed::Communicator& communicator);

  std::int64_t operator[](int status) const { return counts_[static_cast<std::size_t>(status)]; }
  std::int64_t total() const;
  std::int64_t converged() const { return counts_[0]; }
  std::int64_t failed() const { return total() - converged(); }

 private:
  std::array<std::int64_t, kinds> counts_{};
};

/// "3 of 30 problems did not converge (2 reached solver.max_iterations = 100, …); try …", one line,
/// for problems that `job` solves at solver.threshold; empty when all converged.
std::string convergence_complaint(const StatusCounts& counts, const Job& job);

/// The same of barycenters with free support.
std::string free_support_complaint(const StatusCounts& counts, const Job& job);

/// The same of points that go through a trained map.
std::string map_complaint(const StatusCounts& counts, const Job& job,
                          const std::string& items = "points");

/// Prints the complaint as a warning, unless it is empty; with `strict` throws NotConverged
/// instead. Local.
void report_convergence(const std::string& complaint, bool strict);

}  // namespace otfleet
