#include "src/reports/solution_table.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "src/config/shell_word.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using distributed::Shard;

template <class Scalar>
std::vector<Scalar> first_rows(const Hdf5File& file, const std::string& dataset,
                               std::int64_t count) {
  std::vector<Scalar> values(static_cast<std::size_t>(count));
  file.read_rows<Scalar>(dataset, Shard{0, count}, values);
  return values;
}

struct TableColumn {
  std::string name;
  std::vector<std::string> cells;
};

}  // namespace

std::string solution_table(const std::filesystem::path& path, std::int64_t most) {
  const auto file = Hdf5File::open(path);
  const auto problems = file.info("/solution/status").shape.at(0);
  const auto shown = std::min(problems, most);
  std::vector<TableColumn> columns = {{"problem", {}}};
  for (std::int64_t k = 0; k < shown; ++k) columns[0].cells.push_back(std::to_string(k));
  for (const std::string side : {"source", "target"}) {
    if (!file.has("/problems/" + side)) continue;
    auto& column = columns.emplace_back(TableColumn{side, {}});
    for (const auto measure : first_rows<std::int32_t>(file, "/problems/" + side, shown))
      column.cells.push_back(std::to_string(measure));
  }
  for (const auto& [name, dataset] : {std::pair{"cost", "transport_cost"},
                                      {"lower bound", "lower_bound"},
                                      {"upper bound", "upper_bound"},
                                      {"dual value", "dual_value"},
                                      {"primal value", "primal_value"},
                                      {"error", "marginal_error"},
                                      {"error", "residual"}}) {
    const auto full = std::string("/solution/") + dataset;
    // With both marginals exact the bounds say more than the dual value.
    if (!file.has(full) ||
        (dataset == std::string("dual_value") && file.has("/solution/lower_bound")))
      continue;
    auto& column = columns.emplace_back(TableColumn{name, {}});
    for (const double value : first_rows<double>(file, full, shown))
      column.cells.push_back(name == std::string("error") ? fmt::format("{:.1e}", value)
                                                          : fmt::format("{:.6g}", value));
  }
  auto& status = columns.emplace_back(TableColumn{"status", {}});
  for (const auto code : first_rows<std::int32_t>(file, "/solution/status", shown))
    status.cells.push_back(file.string_attribute("/solution", fmt::format("status_{}", code))
                               .value_or(std::to_string(code)));

  std::string text;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (const auto& column : columns) {
      std::size_t width = column.name.size();
      for (const auto& cell : column.cells) width = std::max(width, cell.size());
      line += fmt::format("{}{:>{}}", line.empty() ? "" : "  ", cell_of(column), width);
    }
    text += line + '\n';
  };
  add_line([](const TableColumn& column) { return column.name; });
  for (std::int64_t k = 0; k < shown; ++k)
    add_line([k](const TableColumn& column) { return column.cells[static_cast<std::size_t>(k)]; });
  if (problems > shown)
    text += fmt::format("and {} more; 'otfleet info --values {}' prints all\n", problems - shown,
                        shell_word(path.string()));
  return text;
}

}  // namespace otfleet
