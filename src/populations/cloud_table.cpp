#include "src/populations/cloud_table.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "distributed/error.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/population_parts.hpp"

namespace otfleet {

using distributed::Hdf5File;

namespace {

/// Of `total` points.
void check_offsets(const std::string& name, const CloudTable& table, std::int64_t total) {
  const auto& offsets = table.offsets;
  if (offsets.empty()) throw UserError(name + " is empty; it must begin with 0");
  if (offsets.front() != 0)
    throw UserError(fmt::format("{} begins with {}, not with 0", name, offsets.front()));
  for (std::int64_t s = 0; s < table.count(); ++s) {
    if (offsets[s + 1] < offsets[s])
      throw UserError(fmt::format("{} falls from {} to {} after measure {}", name, offsets[s],
                                  offsets[s + 1], s));
    if (table.size(s) == 0) throw UserError(fmt::format("{}: measure {} has no points", name, s));
    if (table.size(s) > std::numeric_limits<std::int32_t>::max())
      throw UserError(
          fmt::format("{}: measure {} has {} points, more than 2^31 − 1", name, s, table.size(s)));
  }
  if (offsets.back() != total)
    throw UserError(
        fmt::format("{} ends with {}, but there are {} weights", name, offsets.back(), total));
  if (table.count() == 0) throw UserError(name + " holds no measures");
}

void check_names(const std::string& name, const CloudTable& table) {
  const auto count = static_cast<std::int64_t>(table.names.size());
  if (count > 0 && count != table.count())
    throw UserError(
        fmt::format("{} holds {} names, but there are {} measures", name, count, table.count()));
}

/// One string for each measure, where the file has any.
void read_names(const Hdf5File& file, const std::string& dataset, CloudTable& table) {
  if (!file.has(dataset)) return;
  table.names = file.read_strings(dataset);
  const auto name = file.path().string() + ": " + dataset;
  if (table.names.empty()) throw UserError(name + " is empty; leave it out, or name all measures");
  check_names(name, table);
}

}  // namespace

double CloudTable::mass(std::int64_t measure) const {
  return std::accumulate(weights.begin() + offsets[measure], weights.begin() + offsets[measure + 1],
                         0.0);
}

void CloudTable::normalize() {
  for (std::int64_t s = 0; s < count(); ++s)
    scale_to_mass_one(std::span(weights).subspan(static_cast<std::size_t>(offsets[s]),
                                                 static_cast<std::size_t>(size(s))));
}

void CloudTable::add_to(Fnv& hash) const {
  hash.add(weights);
  hash.add(points);
  hash.add(offsets);
  for (const auto& name : names) hash.add(name);
  thumbnails.add_to(hash);
}

std::vector<double> check_cloud_table(const std::string& prefix, const CloudTable& table,
                                      std::int64_t dimension, const kernels::GroundCost& cost) {
  const auto total = static_cast<std::int64_t>(table.weights.size());
  check_offsets(prefix + "offsets", table, total);
  check_names(prefix + "names", table);
  if (dimension < 1 || static_cast<std::int64_t>(table.points.size()) != total * dimension)
    throw UserError(fmt::format("{}points holds {} values, not {} points of {} coordinates", prefix,
                                table.points.size(), total, dimension));
  std::vector<double> masses;
  for (std::int64_t s = 0; s < table.count(); ++s) {
    check_points(prefix, s,
                 std::span(table.points)
                     .subspan(static_cast<std::size_t>(table.offsets[s] * dimension),
                              static_cast<std::size_t>(table.size(s) * dimension)),
                 dimension, 0, cost);
    masses.push_back(
        check_measure(prefix + "weights", "measure", s,
                      std::span(table.weights)
                          .subspan(table.offsets[s], static_cast<std::size_t>(table.size(s)))));
  }
  return masses;
}

void check_points(const std::string& prefix, std::int64_t measure, std::span<const double> points,
                  std::int64_t dimension, std::int64_t first, const kernels::GroundCost& cost) {
  for (std::size_t i = 0; i < points.size(); ++i)
    if (!std::isfinite(points[i]))
      throw UserError(fmt::format("{}points measure {} has the coordinate {} (at point {})", prefix,
                                  measure, points[i],
                                  first + static_cast<std::int64_t>(i) / dimension));
  check_cost_takes(fmt::format("{}points measure {}", prefix, measure), cost, points, dimension,
                   "point", first);
}

CloudTable read_cloud_table_outline(const Hdf5File& file, const std::string& prefix,
                                    std::int64_t& dimension) {
  CloudTable table;
  table.offsets = read_integers(file, prefix + "offsets");
  const auto total = numbers_shape(file, prefix + "weights", 1)[0];
  const auto shape = numbers_shape(file, prefix + "points", 2);
  if (shape[0] != total)
    throw UserError(fmt::format("{}: {}points has shape {}, but there are {} weights",
                                file.path().string(), prefix, shape_text(shape), total));
  if (dimension > 0 && shape[1] != dimension)
    throw UserError(fmt::format("{}: source points have {} coordinates, target points {}",
                                file.path().string(), dimension, shape[1]));
  dimension = shape[1];
  if (dimension < 1)
    throw UserError(fmt::format("{}: {}points has shape {}, without coordinates",
                                file.path().string(), prefix, shape_text(shape)));
  check_offsets(file.path().string() + ": " + prefix + "offsets", table, total);
  read_names(file, prefix + "names", table);
  return table;
}

void read_cloud_table(const Hdf5File& file, const std::string& prefix, CloudTable& table) {
  table.weights = file.read<double>(prefix + "weights");
  table.points = file.read<double>(prefix + "points");
  table.thumbnails = read_thumbnails(file, prefix + "thumbnails", table.count());
}

void write_cloud_table(Hdf5File& file, const std::string& prefix, const CloudTable& table,
                       std::int64_t dimension) {
  const auto total = static_cast<std::int64_t>(table.weights.size());
  file.write<std::int64_t>(prefix + "offsets", {table.count() + 1}, table.offsets);
  file.write<double>(prefix + "weights", {total}, table.weights);
  file.write<double>(prefix + "points", {total, dimension}, table.points);
  if (!table.names.empty()) file.write_strings(prefix + "names", table.names);
  write_thumbnails(file, prefix + "thumbnails", table.thumbnails);
}

}  // namespace otfleet
