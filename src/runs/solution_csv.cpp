#include "src/runs/solution_csv.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include "distributed/error.hpp"
#include "distributed/staged_path.hpp"
#include "src/data/checked_hdf5.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

struct CsvColumn {
  std::string name;
  std::variant<std::vector<double>, std::vector<std::int64_t>> values;
};

/// Whether rows of a dataset stand for something else than problems, even if there is one each.
/// Files of earlier versions do not say what rows stand for.
bool is_of_points(const Hdf5File& file, const std::string& dataset) {
  if (const auto rows = file.string_attribute(dataset, "rows")) return *rows != "problem";
  const auto names = {"/solution/f",         "/solution/g",          "/solution/f_offsets",
                      "/solution/g_offsets", "/solution/projection", "/solution/image"};
  return std::find(names.begin(), names.end(), dataset) != names.end();
}

std::vector<CsvColumn> read_columns(const Hdf5File& file) {
  if (!file.has("/solution/status"))
    throw UserError(file.path().string() + ": holds no /solution/status, by which problems count");
  const auto problems = file.info("/solution/status").shape;
  auto names = file.children("/solution");
  std::sort(names.begin(), names.end());
  std::vector<CsvColumn> columns;
  const auto read = [&](const std::string& name, const std::string& dataset) {
    if (!file.has(dataset) || file.is_group(dataset)) return;
    const auto info = file.info(dataset);
    if (is_of_points(file, dataset) || info.shape != problems ||
        !(info.is_float || info.is_integer))
      return;
    std::vector<std::int64_t> shape;
    if (info.is_integer)
      columns.push_back({name, read_integers(file, dataset)});
    else
      columns.push_back({name, read_numbers(file, dataset, 1, shape)});
  };
  read("status", "/solution/status");
  if (file.has("/problems"))
    for (const std::string name : {"source", "target"}) read(name, "/problems/" + name);
  for (const auto& name : names)
    if (name != "status") read(name, "/solution/" + name);
  if (file.has("/plan")) read("kept_mass", "/plan/kept_mass");
  return columns;
}

}  // namespace

void write_solution_csv(const Hdf5File& solution, std::ostream& to) {
  const auto columns = read_columns(solution);
  std::string line = "problem";  // and status: solution_csv_beginning
  for (const auto& column : columns) line += "," + column.name;
  to << line << '\n';
  const auto problems = solution.info("/solution/status").shape[0];
  for (std::int64_t k = 0; k < problems; ++k) {
    line = fmt::format("{}", k);
    for (const auto& column : columns)
      std::visit([&](const auto& values) { line += fmt::format(",{}", values[k]); }, column.values);
    to << line << '\n';
  }
}

void write_solution_csv(const std::filesystem::path& solution, const std::filesystem::path& to) {
  distributed::StagedPath staged(to, distributed::FileMark::csv(solution_csv_beginning));
  std::ofstream stream(staged.temporary());
  write_solution_csv(Hdf5File::open(solution), stream);
  stream.close();
  if (!stream) throw UserError(to.string() + ": cannot be written");
  staged.commit();
}

}  // namespace otfleet
