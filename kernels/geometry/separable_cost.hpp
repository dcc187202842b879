#pragma once
#include <memory>
#include <vector>

namespace otfleet::kernels {

/// The cost of one axis: a matrix [n, m], row-major.
struct AxisCost {
  int n = 0, m = 0;
  std::vector<double> values;
};

class TableCache;

/// A cost that is a sum over one to three axes, C(i, j) = sum over d of C_d(i_d, j_d), on points
/// indexed row-major (last axis fastest). One axis is a dense cost matrix; the axes of a grid make
/// one application of the Gibbs kernel h·w·(h+w) multiply-adds instead of (h·w)². Lives on the
/// host. Costs are in the user's units, not halved, and may be negative; +inf in a cost matrix
/// means that no mass may go that way.
class SeparableCost {
 public:
  static constexpr int max_axes = 3;

  /// Throws std::invalid_argument: no axis or more than three, an empty axis, a size that does not
  /// fit, a value that is not finite (one axis: NaN, −inf, or nothing but +inf).
  explicit SeparableCost(std::vector<AxisCost> axes);

  /// |x − y|² on a grid with the same coordinates on both sides.
  static SeparableCost squared_euclidean_grid(const std::vector<std::vector<double>>& axes);
  /// A dense cost matrix [n, m], row-major; +inf where no mass may go.
  static SeparableCost dense(int n, int m, std::vector<double> values);

  const std::vector<AxisCost>& axes() const { return axes_; }
  int n() const { return n_; }
  int m() const { return m_; }
  /// The coordinates of both sides' points where the cost is |x − y|² on a line; else empty.
  const std::vector<double>& line() const { return line_; }
  /// Is any entry +inf?
  bool forbids() const { return forbids_; }
  /// Smallest and largest finite entry of C; `range` is their difference.
  double minimum() const { return minimum_; }
  double range() const { return range_; }
  /// What no two potentials need to differ by more than: the range, or what going round forbidden
  /// entries costs.
  double longest_detour() const;
  /// The sum of |min C_d| over the axes: what minimum() was rounded at.
  double offset() const { return offset_; }
  /// The terms of all sums that a sum over the plan is made of: both sides' points, twice, and the
  /// axes' lengths.
  double summed_terms() const;
  /// The largest number of points that an intermediate result of one application can have.
  int max_points() const { return max_points_; }
  /// What solvers have prepared for this cost, shared by its copies.
  TableCache& tables() const { return *tables_; }

 private:
  std::vector<AxisCost> axes_;
  std::vector<double> line_;
  int n_ = 1, m_ = 1, max_points_ = 1;
  double minimum_ = 0, range_ = 0, offset_ = 0;
  bool forbids_ = false;
  std::shared_ptr<TableCache> tables_;
};

}  // namespace otfleet::kernels
