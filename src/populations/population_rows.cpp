#include "src/populations/population_rows.hpp"

#include <algorithm>
#include <utility>

#include "src/populations/cloud_population_rows.hpp"
#include "src/populations/job_population.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Shard;

std::vector<std::int64_t> equal_offsets(std::int64_t measures, std::int64_t points) {
  std::vector<std::int64_t> offsets;
  for (std::int64_t k = 0; k <= measures; ++k) offsets.push_back(k * points);
  return offsets;
}

/// Of problems on points that all measures share.
class SharedPointRows final : public PopulationRows {
 public:
  SharedPointRows(const std::filesystem::path& path, Population population)
      : path_(path), population_(std::move(population)) {
    const Geometry& geometry = population_.geometry;
    outline_.ground_cost = *geometry.ground_cost;
    outline_.dimension = geometry.dimension;
    outline_.shared_measures = false;  // points of the two sides are not the same
    outline_.sources.offsets = equal_offsets(population_.source_measures, geometry.n);
    outline_.targets.offsets = equal_offsets(view().measures(false), geometry.m);
    outline_.source = population_.source;
    outline_.target = population_.target;
    outline_.sequence = population_.sequence;
  }

  const std::filesystem::path& path() const override { return path_; }
  const CloudPopulation& outline() const override { return outline_; }
  PopulationView view() const override { return population_; }
  /// Other than that of the population: what a rank that solves whole problems leaves of one on its
  /// way is more than f, and all of f.
  std::string content_fingerprint() const override {
    return population_.content_fingerprint() + " by rows";
  }

  CloudTable read(bool source, std::int32_t measure, Shard points) const override {
    const auto some = [&](std::span<const double> values, std::int64_t a_point) {
      const auto part = values.subspan(static_cast<std::size_t>(points.begin * a_point),
                                       static_cast<std::size_t>(points.size() * a_point));
      return std::vector<double>(part.begin(), part.end());
    };
    const Geometry& geometry = population_.geometry;
    CloudTable table;
    table.weights = some(view().weights(source, measure), 1);
    table.points =
        some(source ? geometry.source_points : geometry.target_points, geometry.dimension);
    table.offsets.push_back(points.size());
    return table;
  }

 private:
  std::filesystem::path path_;
  Population population_;
  CloudPopulation outline_;
};

}  // namespace

std::unique_ptr<PopulationRows> open_population_rows(const Job& job,
                                                     const std::filesystem::path& file,
                                                     const Communicator& communicator) {
  bool clouds = false;
  communicator.agree([&] { clouds = holds_clouds(file); });
  if (clouds) {
    auto rows = std::make_unique<CloudPopulationRows>(file, communicator, job.solver.normalize);
    communicator.agree([&] { require_job_agrees(job, rows->outline(), file); });
    return rows;
  }
  std::unique_ptr<PopulationRows> rows;
  communicator.agree(
      [&] { rows = std::make_unique<SharedPointRows>(file, read_job_population(job, file)); });
  return rows;
}

}  // namespace otfleet
