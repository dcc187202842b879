#include "src/runs/solution_file.hpp"

#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "src/data/file_kinds.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

/// Calls body(Value()) with the type of a column's numbers.
template <class Body>
void with_value_type(ColumnType type, const Body& body) {
  switch (type) {
    case ColumnType::float64:
      return body(double());
    case ColumnType::int32:
      return body(std::int32_t());
    case ColumnType::int64:
      return body(std::int64_t());
  }
}

/// The ranks' values, one after the other, on rank 0.
template <class Value>
std::vector<Value> gathered(const distributed::Communicator& communicator,
                            const std::vector<Value>& values) {
  if constexpr (std::is_same_v<Value, std::int32_t>)
    throw std::logic_error("no rank has only some int32 values of a problem");
  else
    return communicator.gather(std::span<const Value>(values));
}

}  // namespace

SolutionFile::SolutionFile(const std::filesystem::path& path,
                           const distributed::Communicator& communicator, SolutionLayout layout,
                           const std::vector<std::int64_t>& counted)
    : communicator_(communicator), layout_(std::move(layout)) {
  communicator.agree([&] {
    if (communicator.is_root())
      staged_ = std::make_unique<distributed::StagedPath>(
          path, distributed::FileMark::hdf5(solution_kind));
  });
  const std::string temporary =
      communicator.broadcast(staged_ ? staged_->temporary().string() : std::string());
  file_ = std::make_unique<distributed::Hdf5File>(
      distributed::Hdf5File::create(temporary, communicator));
  file_->set_attribute("/", distributed::kind_attribute, std::string(solution_kind));
  file_->set_attribute("/", "otfleet_version", std::int64_t{1});
  for (const auto& [object, name, value] : layout_.attributes) {
    file_->create_group(object);
    std::visit([&, &object = object,
                &name = name](const auto& one) { file_->set_attribute(object, name, one); },
               value);
  }
  for (const auto& [dataset, values] : layout_.references)
    file_->write<std::int32_t>(dataset, {layout_.problems}, values);
  for (const Column& column : layout_.columns) {
    with_value_type(column.type, [&](auto value) {
      file_->create_dataset<decltype(value)>(column.dataset,
                                             layout_.dataset_shape(column, counted));
    });
    file_->set_attribute(column.dataset, "rows", layout_.spaces[column.space].name);
    if (!column.unit.empty()) file_->set_attribute(column.dataset, "unit", column.unit);
    file_->set_attribute(column.dataset, "meaning", column.meaning);
  }
  for (std::size_t s = 0; s < layout_.spaces.size(); ++s) {
    const RowSpace& space = layout_.spaces[s];
    if (!space.offsets.empty() && layout_.uses(s))
      file_->write<std::int64_t>(space.offsets_dataset, {layout_.problems + 1}, space.offsets);
  }
}

SolutionFile::~SolutionFile() = default;

void SolutionFile::write(Shard problems, SolutionTable table,
                         const std::vector<std::int64_t>& first) {
  for (std::size_t s = 0; s < layout_.spaces.size(); ++s)
    if (layout_.spaces[s].counted) shift_offsets(layout_, table, s, first[s]);
  write_columns(table, [&](std::size_t c) -> Shard {
    const std::size_t s = layout_.columns[c].space;
    const RowSpace& space = layout_.spaces[s];
    if (space.counted) return {first[s], first[s] + counted_rows(layout_, table, s)};
    if (space.offsets.empty()) return problems;
    return {space.offsets[problems.begin], space.offsets[problems.end]};
  });
}

void SolutionFile::write_together(std::int64_t problem, const std::vector<Shard>& rows,
                                  SolutionTable table) {
  const std::int64_t own = communicator_.is_root() ? 1 : 0;
  for (std::size_t c = 0; c < layout_.columns.size(); ++c) {
    const std::size_t s = layout_.columns[c].space;
    if (layout_.spaces[s].is_flat()) continue;
    std::visit(
        [&](auto& values) {
          if (s != 0) values = gathered(communicator_, values);
          if (own == 0) values.clear();
        },
        table.columns[c]);
  }
  write_columns(table, [&](std::size_t c) -> Shard {
    const std::size_t s = layout_.columns[c].space;
    if (!layout_.spaces[s].is_flat()) return {problem, problem + own};
    const std::int64_t first = layout_.spaces[s].offsets[problem];
    return {first + rows[s].begin, first + rows[s].end};
  });
}

void SolutionFile::write_columns(const SolutionTable& table,
                                 const std::function<Shard(std::size_t column)>& place) {
  for (std::size_t c = 0; c < layout_.columns.size(); ++c)
    std::visit(
        [&](const auto& values) {
          using Value = typename std::decay_t<decltype(values)>::value_type;
          file_->write_rows<Value>(layout_.columns[c].dataset, place(c), values);
        },
        table.columns[c]);
}

void SolutionFile::commit() {
  file_->close();
  communicator_.agree([&] {
    if (staged_) staged_->commit();
  });
}

}  // namespace otfleet
