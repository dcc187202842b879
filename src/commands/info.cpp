#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <sstream>

#include "distributed/error.hpp"
#include "distributed/hdf5_file.hpp"
#include "src/commands/commands.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/families/family.hpp"
#include "src/reports/sizes_text.hpp"
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

/// "potential [cost]": what a column of a solution says of itself; empty: nothing.
std::string meaning_of(const Hdf5File& file, const std::string& dataset) {
  const auto names = file.attributes(dataset);
  if (std::find(names.begin(), names.end(), "meaning") == names.end()) return {};
  const bool has_unit = std::find(names.begin(), names.end(), "unit") != names.end();
  return file.attribute_text(dataset, "meaning") +
         (has_unit ? " [" + file.attribute_text(dataset, "unit") + "]" : std::string());
}

bool is_column_attribute(const std::string& name) {
  return name == "rows" || name == "unit" || name == "meaning";
}

constexpr int deepest = 8, most_objects = 1000;

/// Prints an object and those below it; `objects` counts them, since links back up never end.
void list(const Hdf5File& file, const std::string& object, int depth, int& objects) {
  if (++objects > most_objects) return;
  const bool group = file.is_group(object);
  if (!group) {
    const auto info = file.info(object);
    const auto type = info.is_float     ? fmt::format("float{}", 8 * info.bytes_per_value)
                      : info.is_integer ? fmt::format("integer{}", 8 * info.bytes_per_value)
                      : info.is_string  ? "string"
                                        : "other";
    std::string line = fmt::format("  {:<32} {:<20} {}", object, shape_text(info.shape), type);
    if (const auto meaning = meaning_of(file, object); !meaning.empty())
      line = fmt::format("{:<64} {}", line, meaning);
    std::cout << line << '\n';
  }
  for (const auto& name : file.attributes(object)) {
    if (!group && is_column_attribute(name)) continue;
    const auto left = (object == "/" ? "" : object) + " @" + name;
    std::cout << fmt::format("  {:<32} {}\n", left, file.attribute_text(object, name));
  }
  if (!group || depth == deepest) return;
  for (const auto& child : file.children(object)) {
    const auto path = (object == "/" ? "/" : object + "/") + child;
    if (file.has(path)) list(file, path, depth + 1, objects);
  }
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
  std::ostringstream description;
  if (kind == "population") family_of(file).describe(path, description);
  std::cout << fmt::format("{}: {}\n", path.string(), kind);
  int objects = 0;
  list(file, "/", 0, objects);
  if (objects > most_objects) std::cout << "  ... and more\n";
  std::cout << description.str();
  if (kind == "solution") show_solution(file);
}

}  // namespace otfleet
