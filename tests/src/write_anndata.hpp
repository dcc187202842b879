#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "tests/distributed/amended_file.hpp"

namespace otfleet::testing {

using test::AmendedFile;

/// What is in an .h5ad file of cells: expression [cells, genes] float32 as /X, the categorical
/// column `condition` of obs, and the names of genes, in var.
struct Cells {
  std::vector<float> expression;
  std::vector<std::int8_t> codes;  ///< a cell each
  std::vector<std::string> categories, genes;
};

/// Writes them as AnnData does, and the conditions once more as a plain column of strings, `note`.
inline void write_anndata(const std::filesystem::path& path, const Cells& cells) {
  const auto count = static_cast<std::int64_t>(cells.codes.size());
  auto created = distributed::Hdf5File::create(path);
  created.write<float>("/X", {count, static_cast<std::int64_t>(cells.genes.size())},
                       cells.expression);
  created.close();
  AmendedFile file(path);
  file.add("/obs/condition/categories", cells.categories);
  file.add("/obs/condition/codes", cells.codes);
  file.set("/obs/condition", "encoding-type", "categorical");
  std::vector<std::string> notes;
  for (const auto code : cells.codes)
    notes.push_back(code < 0 ? "" : cells.categories[static_cast<std::size_t>(code)]);
  file.add("/obs/note", notes);
  file.add("/var/_index", cells.genes);
  file.set("/var", "_index", "_index");
}

}  // namespace otfleet::testing
