#include "src/data/sparse_matrix.hpp"

#include <spdlog/fmt/fmt.h>

#include "distributed/error.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/memory/available_memory.hpp"

namespace otfleet {

Array whole_matrix(const SparseMatrix& matrix, const std::string& name) {
  const auto damaged = [&](const std::string& text) {
    throw UserError(name + ": damaged sparse matrix: " + text);
  };
  const auto& offsets = matrix.offsets;
  const auto lines = matrix.by_rows ? matrix.rows : matrix.columns;
  const auto across = matrix.by_rows ? matrix.columns : matrix.rows;
  const auto entries = static_cast<std::int64_t>(matrix.values.size());
  if (matrix.rows < 0 || matrix.columns < 0) damaged("a negative length");
  if (static_cast<std::int64_t>(offsets.size()) != lines + 1)
    damaged(fmt::format("indptr has {} entries, not {}", offsets.size(), lines + 1));
  if (static_cast<std::int64_t>(matrix.indices.size()) != entries)
    damaged(fmt::format("{} indices for {} values", matrix.indices.size(), entries));
  if (offsets.front() != 0 || offsets.back() != entries)
    damaged(fmt::format("indptr spans {} to {}, not 0 to {}", offsets.front(), offsets.back(),
                        entries));
  const auto count = element_count({matrix.rows, matrix.columns}, name);
  require_memory(name,
                 {{fmt::format("the whole matrix of {} x {} entries", matrix.rows, matrix.columns),
                   8.0 * static_cast<double>(count)}},
                 1, "take fewer columns, such as principal components (obsm/X_pca)");
  Array whole;
  whole.shape = {matrix.rows, matrix.columns};
  whole.values.assign(static_cast<std::size_t>(count), 0.0);
  for (std::int64_t line = 0; line < lines; ++line) {
    if (offsets[line + 1] < offsets[line])
      damaged(fmt::format("indptr falls from {} to {}", offsets[line], offsets[line + 1]));
    if (offsets[line + 1] > entries) damaged("indptr exceeds the number of entries");
    for (auto k = offsets[line]; k < offsets[line + 1]; ++k) {
      const auto index = matrix.indices[static_cast<std::size_t>(k)];
      if (index < 0 || index >= across)
        damaged(fmt::format("entry {} has the index {}, of {}", k, index, across));
      const auto at = matrix.by_rows ? line * across + index : index * lines + line;
      whole.values[static_cast<std::size_t>(at)] += matrix.values[static_cast<std::size_t>(k)];
    }
  }
  return whole;
}

}  // namespace otfleet
