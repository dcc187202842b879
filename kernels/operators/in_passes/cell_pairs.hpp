#pragma once
#include <span>
#include <vector>

#include "kernels/geometry/cell_tree.hpp"
#include "kernels/geometry/ground_cost.hpp"
#include "kernels/operators/in_passes/kept_cells.hpp"
#include "kernels/operators/side.hpp"

// Which pairs of cells of two clouds a plan can have mass in, and bounds on what the others have:
// kernel truncation (Schmitzer, 'Stabilized sparse scaling algorithms for entropy regularized
// transport problems', 2019, section 3.3), with sums over trees of cells in the place of its
// hierarchical partitions. On the host.
//
// Potentials are to base 2, in units of epsilon, and contain the logarithms of weights: P_ij =
// 2^(f_i + g_j − scale C_ij). A pair (I, J) of cells has at most
//   Σ_I 2^f · Σ_J 2^g · 2^(−scale low(I, J))                                                  (1)
// of the plan's mass, low(I, J) a lower bound of the costs between their boxes: every term of the
// sum over the pair is at most that. A pair of a leaf and any node of the other tree that are left
// out together is one term of the bound, so that it costs a walk of the tree for every leaf.

namespace otfleet::kernels {

/// What is known of the potentials of a side in every node of its tree.
struct CellPotentials {
  std::vector<double> largest;  ///< [nodes], of f_i − log2 weight_i
  std::vector<double> log_sum;  ///< [nodes], log2 of the sum of 2^f_i
};

/// f and log2_weights [n], in the tree's order.
CellPotentials summarize(const CellTree& tree, std::span<const double> f,
                         std::span<const double> log2_weights);

/// For every cell of rows the cells of columns that are kept: KeptCells on the host.
struct CellLists {
  std::vector<int> first = {0};
  std::vector<CellRange> ranges;

  /// Adds `cell` to the list of the last cell of rows; cells come in ascending order.
  void add(int cell);
  void end_row() { first.push_back(static_cast<int>(ranges.size())); }
  /// Pairs of cells.
  double pairs() const;
};

/// The same pairs by cells of columns.
CellLists transpose(const CellLists& lists, int columns);

/// The pairs of cells of two clouds.
class CellPairs {
 public:
  /// Keeps references to the trees. scale = log2(e)/epsilon; `cost_error`: how far costs between
  /// the trees' points may be from those that count.
  CellPairs(const CellTree& source, const CellTree& target, const GroundCost& cost, double scale,
            double cost_error);

  /// For rows of which no potentials are known: of the sum Σ_j 2^(g_j − scale C_ij) of every row at
  /// most the share 2^−bits is left out. `columns` are on the other side of `rows`.
  CellLists near_rows(Side rows, const CellPotentials& columns, double bits) const;

  /// From now on pairs (I, J) are left out that have largest f + largest g − scale low(I, J) <=
  /// log2 cutoff, potentials less the logarithms of weights.
  void choose(const CellPotentials& source, const CellPotentials& target, double cutoff);
  /// The same with a cutoff that leaves out at most `share` of the mass by left_out(), the first of
  /// a sequence that falls from 1; not below 2^−64, where it leaves out what it does. Returns
  /// left_out().
  double choose_by_share(const CellPotentials& source, const CellPotentials& target, double share);

  /// What is kept, for cells of source points. At most `most_ranges` ranges for each: gaps between
  /// them are closed where there are more, which keeps more pairs than were chosen.
  CellLists kept() const;
  static constexpr int most_ranges = 1024;

  /// An upper bound in exact arithmetic of the mass that is left out, as in (1); what the rounding
  /// of potentials and of their sums may hide is added.
  double left_out(const CellPotentials& source, const CellPotentials& target) const;

  /// For every cell of `rows`: no C_ij + x_j of a pair that is left out is smaller. least_x
  /// [nodes of the other side]: the smallest x of a node.
  std::vector<double> least_left_out(Side rows, std::span<const double> least_x) const;

  /// For every cell of source points: the sum of C_ij mass_j over the pairs that are left out is at
  /// most that for each of them. mass [nodes of the target]. Off by a tenth, or by what crossing
  /// a cell costs.
  std::vector<double> most_cost_left_out(std::span<const double> mass) const;

 private:
  template <class Visit>
  void walk(const Visit& visit) const;

  const CellTree &source_, &target_;
  GroundCost cost_;
  double scale_, cost_error_;
  double log2_cutoff_ = 0;
  std::vector<double> source_largest_, target_largest_;  ///< what was chosen by
};

/// values [n] in the tree's order: the smallest of every node.
std::vector<double> smallest_in_nodes(const CellTree& tree, std::span<const double> values);
/// The sum of every node.
std::vector<double> sums_in_nodes(const CellTree& tree, std::span<const double> values);

}  // namespace otfleet::kernels
