#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "distributed/communicator.hpp"
#include "distributed/shard.hpp"

namespace otfleet {

/// How far problems are that take long, whether one rank solves them or all ranks together: from
/// time to time every rank saves the potentials of its points, and a run that goes on, on as many
/// ranks or not, starts from them. They need not be of the same iteration: any f is a start.
///
/// A file is `potentials-<problem>-<begin>-<end>-<job>.h5`, complete whenever it has this name.
/// Root attributes: otfleet_kind = "partial_potentials", otfleet_version = 1, job (of which run it
/// is), iterations, checksum. Dataset f [end − begin] float64, cost units.
class PartialPotentials {
 public:
  /// Finds what earlier runs have left in `folder`; `identity` says of which job it has to be.
  /// Collective.
  PartialPotentials(std::filesystem::path folder, const distributed::Communicator& communicator,
                    std::string identity, double checkpoint_seconds);

  /// True where `folder` holds such files of problems that several ranks solved together.
  static bool shared_in(const std::filesystem::path& folder);

  /// Whether earlier runs left anything of a problem. Local.
  bool has(std::int64_t problem) const;

  /// Writes what earlier runs left of these points of a problem into f [points.size()] and returns
  /// the iterations behind it; 0: they left nothing, on no rank. Damaged files are passed over with
  /// a warning. Collective.
  std::int64_t load(std::int64_t problem, distributed::Shard points, std::vector<double>& f) const;

  enum class Due : std::int64_t { nothing, save, end };
  /// What is to be done now: save() every `checkpoint_seconds`, or save() and end, when a rank was
  /// asked to. The same on all ranks. Collective.
  Due due() const;

  /// Collective. Throws UserError.
  void save(std::int64_t problem, distributed::Shard points, const std::vector<double>& f,
            std::int64_t iterations);

  /// Removes such files of the job `identity` in `folder`, or warns: what they hold is in a
  /// complete solution. Collective.
  static void remove(const std::filesystem::path& folder, const std::string& identity,
                     const distributed::Communicator& communicator);

 private:
  struct Found {
    std::int64_t problem = 0;
    distributed::Shard points;
    std::filesystem::path file;
  };

  std::filesystem::path folder_;
  distributed::Communicator communicator_;
  std::string identity_;
  std::chrono::duration<double> interval_;
  std::vector<Found> found_;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

}  // namespace otfleet
