#include "src/data/feature_names.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "distributed/error.hpp"
#include "distributed/hdf5_file.hpp"
#include "src/data/checked_hdf5.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;
using Names = std::vector<std::string>;

/// Names of columns and where they stand: "cells.h5ad: /var/_index".
struct NamedColumns {
  std::string file, index;
  Names names;
};

/// The data frame that describes the columns of a dataset of AnnData; empty: it has none.
std::string frame_of(std::string dataset) {
  if (dataset.starts_with('/')) dataset.erase(0, 1);
  if (dataset == "X" || dataset.starts_with("layers/")) return "/var";
  return dataset == "raw/X" ? "/raw/var" : "";
}

std::optional<NamedColumns> columns_of(const ArraySource& source) {
  const auto frame = frame_of(source.dataset);
  if (source.empty() || frame.empty() || !Hdf5File::is_hdf5(source.file)) return std::nullopt;
  const auto file = Hdf5File::open(source.file);
  if (!file.is_group(frame)) return std::nullopt;
  const auto index = file.string_attribute(frame, "_index");
  const auto dataset = frame + "/" + index.value_or("");
  if (!index || !file.has(dataset) || file.is_group(dataset)) return std::nullopt;
  const auto info = file.info(dataset);
  if (!info.is_string || info.shape.size() != 1) return std::nullopt;
  const auto name = source.file.string() + ": " + dataset;
  const auto bytes =
      element_count({info.shape[0], static_cast<std::int64_t>(info.bytes_per_value)}, name);
  check_plausible(bytes / 8, std::filesystem::file_size(source.file), name);
  return NamedColumns{source.file.string(), dataset, file.read_strings(dataset)};
}

bool lacks(const NamedColumns& columns, const std::string& name) {
  const auto& names = columns.names;
  return std::find(names.begin(), names.end(), name) == names.end();
}

/// What differs in column `k`, the first that does: one of the two may end there.
std::string difference(const NamedColumns& first, const NamedColumns& other, std::size_t k) {
  if (k < first.names.size() && (k >= other.names.size() || lacks(other, first.names[k])))
    return fmt::format("lacks '{}', column {} of {}", first.names[k], k, first.file);
  const auto text = fmt::format("has '{}' in column {}, ", other.names[k], k);
  if (k >= first.names.size() || lacks(first, other.names[k]))
    return text + fmt::format("which {} lacks", first.file);
  return text + fmt::format("where {} has '{}'", first.file, first.names[k]);
}

void require_equal(const NamedColumns& first, const NamedColumns& other) {
  const auto [a, b] =
      std::mismatch(first.names.begin(), first.names.end(), other.names.begin(), other.names.end());
  if (a == first.names.end() && b == other.names.end()) return;
  throw UserError(fmt::format(
      "{}: {} {}; both need the same columns in the same order, such as adata[:, names]",
      other.file, other.index,
      difference(first, other, static_cast<std::size_t>(a - first.names.begin()))));
}

}  // namespace

void check_feature_names(const DataOptions& data) {
  std::optional<NamedColumns> first;
  for (const ArraySource* source :
       {&data.train, &data.train_target, &data.test, &data.test_target}) {
    auto columns = columns_of(*source);
    if (!columns) continue;
    if (first)
      require_equal(*first, *columns);
    else
      first = std::move(columns);
  }
}

}  // namespace otfleet
