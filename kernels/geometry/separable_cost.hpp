#pragma once
#include <memory>
#include <vector>

#include "kernels/kokkos_compat.hpp"
#include "kernels/lanes/region.hpp"

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

/// One direction of one axis on the device: table[in][out], row-major. `linear` flushes to zero
/// what Scalar cannot hold; mantissa · 2^exponent (ExtendedRange) never does, and lies transposed,
/// [out][in]: it serves single outputs.
template <class Scalar>
struct AxisTable {
  const Scalar* linear = nullptr;
  const Scalar* mantissa = nullptr;
  const Scalar* exponent = nullptr;
  int in = 0, out = 0;
};

/// One direction of all axes: what a kernel needs to apply the operator once, to inputs in the
/// region `from`, for outputs in the region `to`.
template <class Scalar>
struct AxisChain {
  AxisTable<Scalar> axis[SeparableCost::max_axes];
  int axes = 0;
  Region from, to;

  KOKKOS_INLINE_FUNCTION int in_points() const {
    return from.length[0] * from.length[1] * from.length[2];
  }
  KOKKOS_INLINE_FUNCTION int out_points() const {
    return to.length[0] * to.length[1] * to.length[2];
  }
  KOKKOS_INLINE_FUNCTION AxisChain within(const Region& inputs, const Region& outputs) const {
    AxisChain cropped = *this;
    cropped.from = inputs;
    cropped.to = outputs;
    return cropped;
  }
};

/// Device tables of a cost for one epsilon. With C~_d = C_d − min C_d on every axis (the minimum is
/// added back to g, so a large offset of the cost is harmless):
///   gibbs        exp(−C~_d/epsilon)                 transport plans
///   weighted(d)  the same with axis d multiplied by C~_d   costs of transport plans
///   cost         C~_d                                c-transforms
///   rank_one(d)  C~_d on axis d, ones elsewhere      cost of a product plan
/// `to_target` sums over source points, `to_source` over target points.
template <class ExecutionSpace, class Scalar>
class GibbsKernel {
 public:
  enum class Direction { to_target, to_source };

  /// `for_certificate` also makes the tables other than `gibbs`.
  GibbsKernel(const SeparableCost& cost, double epsilon, bool for_certificate = false);

  int axes() const { return static_cast<int>(shape_.size()); }
  AxisChain<Scalar> gibbs(Direction direction) const {
    return chain(direction, -1, exponential, exponential);
  }
  AxisChain<Scalar> weighted(int axis, Direction direction) const {
    return chain(direction, axis, times_cost, exponential);
  }
  AxisChain<Scalar> cost(Direction direction) const {
    return chain(direction, -1, plain_cost, plain_cost);
  }
  AxisChain<Scalar> rank_one(int axis, Direction direction) const {
    return chain(direction, axis, plain_cost, ones);
  }

 private:
  enum Kind { exponential, times_cost, plain_cost, ones, kinds };
  AxisChain<Scalar> chain(Direction direction, int special, Kind at_special, Kind elsewhere) const;

  struct Shape {
    int n, m;
    std::size_t offset[2][kinds];
  };
  std::vector<Shape> shape_;
  std::size_t size_ = 0;  ///< of the linear tables; mantissas and exponents follow them
  Kokkos::View<Scalar*, typename ExecutionSpace::memory_space> tables_;
};

/// The tables of `cost` at `epsilon`, from its TableCache.
template <class ExecutionSpace, class Scalar>
std::shared_ptr<const GibbsKernel<ExecutionSpace, Scalar>> gibbs_kernel(
    const SeparableCost& cost, double epsilon, bool for_certificate = false);

}  // namespace otfleet::kernels
