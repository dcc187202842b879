#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/data/array_file.hpp"

namespace otfleet {

/// A matrix of which entries that are not zero are stored, row after row (CSR), or column after
/// column (CSC), as SciPy and AnnData store them.
struct SparseMatrix {
  std::int64_t rows = 0, columns = 0;
  bool by_rows = true;                ///< CSR
  std::vector<std::int64_t> offsets;  ///< "indptr", [rows + 1], or [columns + 1] of CSC
  std::vector<std::int64_t> indices;  ///< the column of every entry, or of CSC the row
  std::vector<double> values;         ///< "data"
};

/// The whole matrix [rows, columns]; entries that are stored twice are summed. Throws UserError,
/// which begins with `name`, for offsets and indices that do not fit, and where the whole matrix
/// needs more memory than there is. Local. Memory: 8 bytes an entry.
Array whole_matrix(const SparseMatrix& matrix, const std::string& name);

}  // namespace otfleet
