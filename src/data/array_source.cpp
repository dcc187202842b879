#include "src/data/array_source.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "src/config/checks.hpp"

namespace otfleet {
namespace {

/// Calls body(name, file, dataset) for every array that keys name.
template <class Body>
void for_each_array(const KeyList& keys, const Body& body) {
  const std::string suffix = ".file";
  for (const auto& key : keys) {
    if (!key.path.ends_with(suffix)) continue;
    const std::string name = key.path.substr(0, key.path.size() - suffix.size());
    if (const Key* dataset = keys.find(name + ".dataset"))
      body(name, *std::get<Path*>(key.field), *std::get<std::string*>(dataset->field));
  }
}

}  // namespace

std::string name_of(const ArraySource& source) {
  return source.file.string() + (source.dataset.empty() ? "" : ": " + source.dataset);
}

void add_array(KeyList& keys, const std::string& name, ArraySource& array, const std::string& doc) {
  keys.add(name + ".file", array.file, checks::anything, doc);
  keys.add(name + ".dataset", array.dataset, checks::anything,
           "its name inside an HDF5 file or .npz archive");
}

ArraySource named_array(const std::string& text) {
  const auto colon = text.rfind(':');
  std::error_code ignored;
  if (colon == std::string::npos || std::filesystem::exists(text, ignored)) return {text, ""};
  const Path before = text.substr(0, colon);
  const auto extension = before.extension();
  const auto endings = {".npz", ".h5", ".hdf5", ".h5ad", ".loom"};
  if (std::find(endings.begin(), endings.end(), extension) == endings.end()) return {text, ""};
  return {before, text.substr(colon + 1)};
}

void split_array_names(const KeyList& keys) {
  for_each_array(keys, [](const std::string&, Path& file, std::string& dataset) {
    if (!dataset.empty()) return;
    auto named = named_array(file.string());
    file = std::move(named.file);
    dataset = std::move(named.dataset);
  });
}

std::string array_complaint(const KeyList& keys) {
  std::string complaint;
  for_each_array(keys, [&](const std::string& name, const Path& file, const std::string& dataset) {
    if (complaint.empty() && file.empty() && !dataset.empty())
      complaint = fmt::format("{}.dataset is set, but {}.file is not", name, name);
  });
  return complaint;
}

}  // namespace otfleet
