#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "distributed/communicator.hpp"
#include "distributed/shard.hpp"
#include "src/job.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/population_view.hpp"

namespace otfleet {

/// A population whose problems ranks solve together: what every rank knows of all of it, and some
/// points of a measure at a time. Problems are pairs of clouds here, also where the file has points
/// that all measures share.
class PopulationRows {
 public:
  virtual ~PopulationRows() = default;

  virtual const std::filesystem::path& path() const = 0;

  /// Cost, sizes and problems, without weights and points. Local.
  virtual const CloudPopulation& outline() const = 0;

  /// The population as its file has it, for the layout of its solutions. Local.
  virtual PopulationView view() const { return outline(); }

  /// What identifies the contents, weights and points too; the same on any number of ranks. Local.
  virtual std::string content_fingerprint() const = 0;

  /// Some points of a measure of the source's or the target's side, as the only measure of a table;
  /// maybe none. Local. Throws UserError.
  virtual CloudTable read(bool source, std::int32_t measure, distributed::Shard points) const = 0;
};

/// The population in a file, which has to fit the job: clouds stay in the file, points that all
/// measures share are read by every rank, weights of all measures too. Collective. Throws
/// UserError.
std::unique_ptr<PopulationRows> open_population_rows(const Job& job,
                                                     const std::filesystem::path& file,
                                                     const distributed::Communicator& communicator);

}  // namespace otfleet
