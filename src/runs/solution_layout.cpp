#include "src/runs/solution_layout.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace otfleet {
namespace {

std::int64_t row_length(const Column& column) {
  return std::accumulate(column.shape.begin(), column.shape.end(), std::int64_t{1},
                         std::multiplies<>());
}

}  // namespace

std::size_t SolutionLayout::column(const std::string& dataset) const {
  for (std::size_t c = 0; c < columns.size(); ++c)
    if (columns[c].dataset == dataset) return c;
  throw std::logic_error("a solution has no column " + dataset);
}

void SolutionLayout::add_status_words() {
  constexpr const char* words[] = {"converged", "iteration limit", "precision limit", "not finite"};
  for (std::size_t k = 0; k < std::size(words); ++k)
    attributes.push_back({"/solution", "status_" + std::to_string(k), std::string(words[k])});
}

bool SolutionLayout::uses(std::size_t space) const {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const Column& column) { return column.space == space; });
}

std::vector<std::int64_t> SolutionLayout::dataset_shape(
    const Column& column, const std::vector<std::int64_t>& counted) const {
  const RowSpace& space = spaces[column.space];
  std::vector<std::int64_t> shape;
  if (space.counted)
    shape = {counted[column.space]};
  else if (!space.offsets.empty())
    shape = {space.offsets.back()};
  else if (column.space == 0)
    shape = {problems};
  else
    shape = {problems, space.per_problem};
  shape.insert(shape.end(), column.shape.begin(), column.shape.end());
  return shape;
}

SolutionTable::SolutionTable(const SolutionLayout& layout) : counters(layout.counters.size(), 0) {
  for (const Column& column : layout.columns) switch (column.type) {
      case ColumnType::float64:
        columns.emplace_back(std::vector<double>());
        break;
      case ColumnType::int32:
        columns.emplace_back(std::vector<std::int32_t>());
        break;
      case ColumnType::int64:
        columns.emplace_back(std::vector<std::int64_t>());
        break;
    }
}

const std::vector<double>& SolutionTable::numbers(const SolutionLayout& layout,
                                                  const std::string& dataset) const {
  return std::get<std::vector<double>>(columns[layout.column(dataset)]);
}

const std::vector<std::int32_t>& SolutionTable::integers(const SolutionLayout& layout,
                                                         const std::string& dataset) const {
  return std::get<std::vector<std::int32_t>>(columns[layout.column(dataset)]);
}

std::size_t SolutionTable::bytes() const {
  std::size_t sum = 0;
  for (const Values& column : columns)
    std::visit([&](const auto& values) { sum += values.size() * sizeof(values[0]); }, column);
  return sum;
}

void SolutionTable::append(const SolutionLayout& layout, SolutionTable more,
                           std::vector<std::int64_t>& counted) {
  for (std::size_t s = 0; s < layout.spaces.size(); ++s) {
    if (!layout.spaces[s].counted) continue;
    const std::int64_t rows = counted_rows(layout, more, s);
    shift_offsets(layout, more, s, counted[s]);
    counted[s] += rows;
  }
  for (std::size_t c = 0; c < layout.columns.size(); ++c)
    std::visit(
        [&](auto& to) {
          auto& from = std::get<std::decay_t<decltype(to)>>(more.columns[c]);
          if (to.empty())
            to = std::move(from);
          else
            to.insert(to.end(), from.begin(), from.end());
        },
        columns[c]);
  for (std::size_t k = 0; k < counters.size(); ++k) counters[k] += more.counters[k];
}

void shift_offsets(const SolutionLayout& layout, SolutionTable& table, std::size_t space,
                   std::int64_t first) {
  for (std::size_t c = 0; c < layout.columns.size(); ++c)
    if (layout.columns[c].offsets_into == space)
      for (std::int64_t& offset : std::get<std::vector<std::int64_t>>(table.columns[c]))
        offset += first;
}

std::int64_t counted_rows(const SolutionLayout& layout, const SolutionTable& table,
                          std::size_t space) {
  for (std::size_t c = 0; c < layout.columns.size(); ++c)
    if (layout.columns[c].space == space)
      return std::visit(
          [&](const auto& values) {
            return static_cast<std::int64_t>(values.size()) / row_length(layout.columns[c]);
          },
          table.columns[c]);
  return 0;
}

}  // namespace otfleet
