#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>

#include "distributed/error.hpp"
#include "distributed/hdf5_file.hpp"
#include "src/commands/commands.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/population.hpp"
#include "src/runs/solution_csv.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

/// What the file says it is, or what its groups say where it is silent.
std::string kind_of(const Hdf5File& file) {
  if (const auto kind = file.string_attribute("/", "otfleet_kind")) return *kind;
  if (file.has("/measures") && file.has("/geometry")) return "population";
  if (file.has("/solution")) return "solution";
  if (file.has("/model")) return "checkpoint";
  throw UserError(file.path().string() +
                  ": not a file of otfleet (no attribute otfleet_kind, and none of the groups "
                  "/measures, /solution, /model)");
}

constexpr int deepest = 8, most_objects = 1000;

/// Prints an object and those below it; `objects` counts them, since links back up never end.
void list(const Hdf5File& file, const std::string& object, int depth, int& objects) {
  if (++objects > most_objects) return;
  const bool group = file.is_group(object);
  if (!group) {
    const auto info = file.info(object);
    const char* type = info.is_float ? "float" : info.is_integer ? "integer" : "other";
    std::cout << fmt::format(
        "  {:<32} {:<20} {}\n", object, shape_text(info.shape),
        type[0] == 'o' ? std::string(type) : fmt::format("{}{}", type, 8 * info.bytes_per_value));
  }
  for (const auto& name : file.attributes(object)) {
    const auto left = (object == "/" ? "" : object) + " @" + name;
    std::cout << fmt::format("  {:<32} {}\n", left, file.attribute_text(object, name));
  }
  if (!group || depth == deepest) return;
  for (const auto& child : file.children(object)) {
    const auto path = (object == "/" ? "/" : object + "/") + child;
    if (file.has(path)) list(file, path, depth + 1, objects);
  }
}

void show_population(const Population& population) {
  const auto& geometry = population.geometry;
  if (geometry.kind == Geometry::Kind::grid) {
    std::vector<std::int64_t> lengths;
    for (const auto& axis : geometry.axes)
      lengths.push_back(static_cast<std::int64_t>(axis.size()));
    std::cout << fmt::format("geometry: grid {}, n = {}, m = {}\n", shape_text(lengths), geometry.n,
                             geometry.m);
  } else {
    std::cout << fmt::format("geometry: {}, cost {}, n = {}, m = {}\n",
                             geometry.kind == Geometry::Kind::dense ? "dense" : "points",
                             geometry.cost_name(), geometry.n, geometry.m);
  }
  std::cout << fmt::format("fingerprint: {}\n", geometry.fingerprint());
  if (population.shared_measures) {
    std::cout << fmt::format("measures: {}\n", population.source_measures);
  } else {
    std::cout << fmt::format("measures: {} source, {} target\n", population.source_measures,
                             population.target_measures);
  }
  std::cout << fmt::format("problems: {}\n", population.problems());
}

/// "12 at least, 40 in the median, 95 at most", of the sizes between neighboring offsets.
std::string sizes_text(const std::vector<std::int64_t>& offsets) {
  std::vector<std::int64_t> sizes;
  for (std::size_t k = 0; k + 1 < offsets.size(); ++k) sizes.push_back(offsets[k + 1] - offsets[k]);
  if (sizes.empty()) return "none";
  std::sort(sizes.begin(), sizes.end());
  return fmt::format("{} at least, {} in the median, {} at most", sizes.front(),
                     sizes[(sizes.size() - 1) / 2], sizes.back());
}

void show_clouds(const CloudPopulation& population) {
  std::cout << fmt::format("geometry: clouds, cost {}, {} coordinates\n", population.cost_name(),
                           population.dimension)
            << fmt::format("fingerprint: {}\n", population.fingerprint());
  const auto show_table = [](const char* side, const CloudTable& table) {
    std::cout << fmt::format("{}measures: {}, points of a measure: {}\n", side, table.count(),
                             sizes_text(table.offsets));
  };
  show_table(population.shared_measures ? "" : "source ", population.sources);
  if (!population.shared_measures) show_table("target ", population.targets);
  std::cout << fmt::format("problems: {}\n", population.problems());
}

void show_kept_mass(const Hdf5File& file) {
  std::vector<std::int64_t> shape;
  const auto shares = read_numbers(file, "/plan/kept_mass", 0, shape);
  double smallest = 1, sum = 0;
  std::size_t known = 0;
  for (const double share : shares) {
    if (std::isnan(share)) continue;
    smallest = std::min(share, smallest);
    sum += share;
    ++known;
  }
  if (known > 0)
    std::cout << fmt::format("mass of the plans that is kept: {:.6g} on average, at least {:.6g}\n",
                             sum / static_cast<double>(known), smallest);
  if (known < shares.size())
    std::cout << fmt::format("plans that are NaN: {}\n", shares.size() - known);
}

void show_largest(const Hdf5File& file, const std::string& dataset, const std::string& name) {
  std::vector<std::int64_t> shape;
  double largest = 0;
  std::size_t unknown = 0;
  for (const double value : read_numbers(file, dataset, 0, shape)) {
    if (std::isnan(value))
      ++unknown;
    else
      largest = std::max(largest, value);
  }
  std::cout << fmt::format("largest {}: {:.6g}\n", name, largest);
  if (unknown > 0) std::cout << fmt::format("{}s that are NaN: {}\n", name, unknown);
}

void show_solution(const Hdf5File& file) {
  if (file.has("/solution/status")) {
    std::map<std::int64_t, std::int64_t> counts;
    for (const auto status : read_integers(file, "/solution/status")) ++counts[status];
    for (const auto& [status, count] : counts) {
      // The file names its own codes; 0 is what it always was.
      const auto word = file.string_attribute("/solution", fmt::format("status_{}", status))
                            .value_or(status == 0 ? "converged" : "");
      std::cout << fmt::format("status {}{}: {}\n", status, word.empty() ? "" : " (" + word + ")",
                               count);
    }
  }
  for (const auto& [dataset, name] : {std::pair{"/solution/marginal_error", "marginal error"},
                                      std::pair{"/solution/residual", "residual"}})
    if (file.has(dataset)) show_largest(file, dataset, name);
  for (const auto& [name, side] : {std::pair{"f_offsets", "source"}, {"g_offsets", "target"}}) {
    const auto dataset = std::string("/solution/") + name;
    if (file.has(dataset))
      std::cout << fmt::format("{} points of a problem: {}\n", side,
                               sizes_text(read_integers(file, dataset)));
  }
  if (file.has("/plan/kept_mass")) show_kept_mass(file);
}

}  // namespace

void run_info(const std::filesystem::path& path, bool values) {
  const auto file = Hdf5File::open(path);
  const auto kind = kind_of(file);
  if (values) {
    if (kind != "solution")
      throw UserError(
          fmt::format("info --values: {} is a {}, not a solution", path.string(), kind));
    write_solution_csv(file, std::cout);
    return;
  }
  // Read before the first line is printed: a damaged file shows its fault and nothing else.
  Population population;
  CloudPopulation clouds;
  const bool has_clouds = kind == "population" && holds_clouds(file);
  if (has_clouds)
    clouds = read_cloud_population(path, false);
  else if (kind == "population")
    population = read_population(path, false);
  std::cout << fmt::format("{}: {}\n", path.string(), kind);
  int objects = 0;
  list(file, "/", 0, objects);
  if (objects > most_objects) std::cout << "  ... and more\n";
  if (has_clouds)
    show_clouds(clouds);
  else if (kind == "population")
    show_population(population);
  if (kind == "solution") show_solution(file);
}

}  // namespace otfleet
