#pragma once
#include <cstdint>
#include <filesystem>

#include "distributed/hdf5_file.hpp"
#include "src/populations/population_rows.hpp"

namespace otfleet {

/// A file of clouds that no rank holds as a whole: offsets and problems are on every rank, weights
/// and points are read where they are needed.
class CloudPopulationRows final : public PopulationRows {
 public:
  /// Opens the file on every rank and checks all of it, every rank its share of the weights and
  /// points, a piece in memory at a time. `normalize`: measures are read with mass 1, whatever
  /// theirs are. Collective. Throws UserError as read_cloud_population().
  CloudPopulationRows(const std::filesystem::path& file,
                      const distributed::Communicator& communicator, bool normalize = false);

  const std::filesystem::path& path() const override { return file_.path(); }

  const CloudPopulation& outline() const override { return outline_; }

  std::string content_fingerprint() const override;
  CloudTable read(bool source, std::int32_t measure, distributed::Shard points) const override;

 private:
  std::vector<double> sum_masses(bool source, const distributed::Communicator& communicator);
  CloudTable read_rows(bool source, distributed::Shard rows) const;

  distributed::Hdf5File file_;
  CloudPopulation outline_;
  /// With `normalize`: of the measures of each side; else empty.
  std::vector<double> source_masses_, target_masses_;
  std::int64_t rows_hash_ = 0;  ///< of all weights and points
};

}  // namespace otfleet
