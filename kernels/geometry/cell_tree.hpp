#pragma once
#include <span>
#include <vector>

namespace otfleet::kernels {

/// Points of a cell that is not split further: whole strips of rows and whole packs of columns on
/// every back end.
inline constexpr int cell_points = 96;
/// Coordinates that points in cells may have.
inline constexpr int most_cell_coordinates = 3;

/// A cloud of points in cells, on the host: a binary tree in which every cell is split at the
/// median of its longest side, so that its depth follows the points, not the space. Where Morton
/// codes would cut the cloud at the planes of a grid, every cell here has as many points as any
/// other of its depth, and one box around them that no jump of a curve stretches: what equal
/// points, lines, far clusters and outliers need.
class CellTree {
 public:
  struct Node {
    int begin, end;     ///< points, in the order of the tree
    int children = -1;  ///< the first of two neighbors; −1: a leaf, cell begin/cell_points
    double low[most_cell_coordinates], high[most_cell_coordinates];  ///< the box of its points

    int count() const { return end - begin; }
    bool is_leaf() const { return children < 0; }
  };

  CellTree() = default;
  /// points [n, d], finite; n >= 0, 1 <= d <= most_cell_coordinates. Work: n log n. Throws
  /// std::invalid_argument for other d.
  CellTree(std::span<const double> points, int d);

  int dimension() const { return dimension_; }
  int count() const { return static_cast<int>(order_.size()); }
  int cells() const { return (count() + cell_points - 1) / cell_points; }
  /// [n]: which point comes where. Points of a cell follow each other, and so do those of every run
  /// of `run_points` that begins at a multiple of it: they are compact, too.
  const std::vector<int>& order() const { return order_; }
  /// Parents before their children; the root is the first one. Empty without points.
  const std::vector<Node>& nodes() const { return nodes_; }
  /// [cells]: their nodes.
  const std::vector<int>& leaves() const { return leaves_; }

  static constexpr int run_points = 8;

 private:
  int dimension_ = 0;
  std::vector<int> order_;
  std::vector<Node> nodes_;
  std::vector<int> leaves_;
};

}  // namespace otfleet::kernels
