// HDF5: a dataset, or a group as AnnData writes it (.h5ad): a sparse matrix, or a categorical
// column, which is read as its codes.
#include "distributed/hdf5_file.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <initializer_list>

#include "distributed/error.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/formats/list.hpp"
#include "src/data/sparse_matrix.hpp"

namespace otfleet::formats {
namespace {

using distributed::Hdf5File;

constexpr std::size_t most_names = 12, most_visits = 1000, deepest = 8;

bool has_datasets(const Hdf5File& file, const std::string& group,
                  std::initializer_list<const char*> names) {
  return std::all_of(names.begin(), names.end(), [&](const char* name) {
    return file.has(group + name) && !file.is_group(group + name);
  });
}

bool is_sparse(const Hdf5File& file, const std::string& group) {
  return has_datasets(file, group, {"/data", "/indices", "/indptr"});
}

bool is_categorical(const Hdf5File& file, const std::string& group) {
  return has_datasets(file, group, {"/categories", "/codes"});
}

bool holds_numbers(const Hdf5File& file, const std::string& dataset) {
  const auto info = file.info(dataset);
  return info.is_integer || info.is_float;
}

/// Names of what can be read below `group`; stops where a message would grow too long, and where
/// only links back up can lead.
void list_arrays(const Hdf5File& file, const std::string& group, std::size_t depth,
                 std::size_t& visits, std::vector<std::string>& names) {
  for (const auto& child : file.children(group)) {
    if (names.size() > most_names || ++visits > most_visits) return;
    const auto path = (group == "/" ? "/" : group + "/") + child;
    if (!file.has(path)) continue;  // a dangling link
    if (!file.is_group(path)) {
      if (holds_numbers(file, path)) names.push_back(path);
    } else if (is_sparse(file, path) || is_categorical(file, path)) {
      names.push_back(path);
    } else if (depth < deepest) {
      list_arrays(file, path, depth + 1, visits, names);
    }
  }
}

std::string contents(const Hdf5File& file) {
  std::vector<std::string> names;
  std::size_t visits = 0;
  list_arrays(file, "/", 0, visits, names);
  if (names.empty()) return "it holds no array of numbers";
  const bool more = names.size() > most_names;
  if (more) names.resize(most_names);
  return fmt::format("it holds {}{}", fmt::join(names, ", "), more ? ", ..." : "");
}

/// [rows, columns], in the attribute `shape`, or as earlier versions of AnnData call it.
std::vector<std::int64_t> sparse_shape(const Hdf5File& file, const std::string& group) {
  for (const char* name : {"shape", "h5sparse_shape"})
    if (auto shape = file.integers_attribute(group, name); !shape.empty()) return shape;
  throw UserError(fmt::format("{}: {} is a sparse matrix without the attribute 'shape'",
                              file.path().string(), group));
}

Array read_sparse(const Hdf5File& file, const std::string& group) {
  const std::string name = file.path().string() + ": " + group;
  const auto shape = sparse_shape(file, group);
  if (shape.size() != 2)
    throw UserError(fmt::format("{}: a sparse matrix of shape {}", name, shape_text(shape)));
  std::string kind = "csr";
  for (const char* attribute : {"encoding-type", "h5sparse_format"})
    if (const auto text = file.string_attribute(group, attribute)) kind = *text;
  if (!kind.starts_with("csr") && !kind.starts_with("csc"))
    throw UserError(
        fmt::format("{}: a sparse matrix of kind '{}'; csr and csc can be read", name, kind));
  SparseMatrix matrix{shape[0], shape[1], kind.starts_with("csr"), {}, {}, {}};
  matrix.offsets = read_integers(file, group + "/indptr");
  matrix.indices = read_integers(file, group + "/indices");
  std::vector<std::int64_t> length;
  matrix.values = read_numbers(file, group + "/data", 1, length);
  return whole_matrix(matrix, name);
}

/// A column of a data frame of AnnData.
void refuse_column_of_strings(const Hdf5File& file, const std::string& dataset) {
  if (!dataset.starts_with("/obs/") || !file.info(dataset).is_string) return;
  throw UserError(
      fmt::format("{0}: {1} holds strings; make the column categorical before the file is written: "
                  "adata.obs['{2}'] = adata.obs['{2}'].astype('category')",
                  file.path().string(), dataset, dataset.substr(dataset.rfind('/') + 1)));
}

Array read_hdf5(const ArraySource& source) {
  const auto file = Hdf5File::open(source.file);
  if (source.dataset.empty())
    throw UserError(fmt::format("{0}: an HDF5 file needs a dataset's name, as in {1}:NAME; {2}",
                                source.file.string(), source.file.filename().string(),
                                contents(file)));
  const auto dataset = source.dataset.front() == '/' ? source.dataset : "/" + source.dataset;
  if (!file.has(dataset))
    throw UserError(fmt::format("{}: no dataset '{}'; {}", source.file.string(), source.dataset,
                                contents(file)));
  Array array;
  if (file.is_group(dataset)) {
    if (is_sparse(file, dataset)) return read_sparse(file, dataset);
    if (is_categorical(file, dataset)) {
      array.values = read_numbers(file, dataset + "/codes", 1, array.shape);
      return array;
    }
    throw UserError(fmt::format("{}: '{}' is a group, no dataset '{}'; {}", source.file.string(),
                                source.dataset, source.dataset, contents(file)));
  }
  refuse_column_of_strings(file, dataset);
  array.values = read_numbers(file, dataset, 0, array.shape);
  return array;
}

}  // namespace

const ArrayFormat& hdf5() {
  static constexpr ArrayFormat format = {
      "HDF5 (.h5, .h5ad)", true,
      [](const FileStart& start) { return start.begins_with("\x89HDF", 4); }, read_hdf5};
  return format;
}

}  // namespace otfleet::formats
