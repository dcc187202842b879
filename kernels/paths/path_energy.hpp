#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/lanes/pack.hpp"
#include "kernels/minimize/potential_oracle.hpp"
#include "kernels/paths/lagrangian.hpp"
#include "kernels/paths/path_basis.hpp"

namespace otfleet::kernels {

/// Tables of a PathBasis on a device.
template <class ExecutionSpace>
struct PathTables {
  Matrix<double, ExecutionSpace> at_points, at_nodes, at_fine;
  Vector<double, ExecutionSpace> bow;

  explicit PathTables(const PathBasis& basis);
};

/// The action of a path as a function of what it is made of. A row, [(coefficients + 2) D], is
/// u [coefficients, D], x [D], y [D], see PathBasis. The action is a sum over the steps between
/// points, every step at its middle and with its mean velocity: second order, and the same in both
/// directions.
///
/// With respect to x the derivative is given as 0, so that minimizers leave it; to y, too, unless
/// the target is free.
template <class ExecutionSpace, class Scalar>
class PathEnergy : public PotentialOracle<ExecutionSpace, Scalar> {
 public:
  /// Throws std::invalid_argument for a dimension that the Lagrangian does not have, or above
  /// most_path_dimension. Keeps references to the Lagrangian and the tables.
  PathEnergy(const Lagrangian& lagrangian, const PathTables<ExecutionSpace>& tables, int dimension,
             bool target_is_free = false);

  /// From now on with the numbers that the Lagrangian has now on its grid.
  void take_grid();

  int dimension() const override;
  void evaluate(const ExecutionSpace& space, const Matrix<const Scalar, ExecutionSpace>& rows,
                const Vector<Scalar, ExecutionSpace>& value,
                const Matrix<Scalar, ExecutionSpace>& gradient) override;

  /// The action alone, summed over the fine points; of straight lines without a look at what is
  /// added to them.
  void evaluate_finely(const ExecutionSpace& space,
                       const Matrix<const Scalar, ExecutionSpace>& rows,
                       const Vector<Scalar, ExecutionSpace>& value, bool straight = false);

 private:
  void run(const ExecutionSpace& space, const Matrix<double, ExecutionSpace>& basis,
           bool target_is_free, bool straight, const Matrix<const Scalar, ExecutionSpace>& rows,
           const Vector<Scalar, ExecutionSpace>& value,
           const Matrix<Scalar, ExecutionSpace>& gradient) const;

  const Lagrangian& lagrangian_;
  Vector<double, ExecutionSpace> grid_;               ///< its numbers, where it has any
  std::shared_ptr<const std::vector<double>> taken_;  ///< the same on the host
  const PathTables<ExecutionSpace>& tables_;
  int dimension_;
  bool target_is_free_;
};

}  // namespace otfleet::kernels
