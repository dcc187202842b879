#pragma once
#include "kernels/geometry/cell_tree.hpp"
#include "kernels/kokkos_compat.hpp"
#include "kernels/problems/share_rows.hpp"

// The blocks of a block-sparse pass: which cells of the columns the rows of a cell look at. Cells
// are the leaves of a CellTree, cell_points points in a row each.

namespace otfleet::kernels {

/// Cells begin … end − 1.
struct CellRange {
  int begin, end;
};

/// For every cell of rows the cells of columns that are kept, in compressed rows. Memory: two
/// numbers for every range of cells next to each other.
template <class ExecutionSpace>
struct KeptCells {
  Vector<const int, ExecutionSpace> first;         ///< [cells of rows + 1], into ranges
  Vector<const CellRange, ExecutionSpace> ranges;  ///< ascending for each cell of rows
  /// Cells of rows that are summed here; where ranks share them, these have the others.
  int own_begin = 0, own_end = 0;
  CloudCommunicator* communicator = nullptr;

  /// Is there a choice? Else all columns count.
  KOKKOS_FORCEINLINE_FUNCTION explicit operator bool() const { return first.data() != nullptr; }
};

}  // namespace otfleet::kernels
