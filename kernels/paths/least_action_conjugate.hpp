#pragma once
#include <cstdint>

#include "kernels/minimize/conjugate.hpp"
#include "kernels/paths/path_energy.hpp"
#include "kernels/paths/settings.hpp"

namespace otfleet::kernels {

/// c-transforms of a least-action cost c, thousands at once: for every y the minimizer over x of
///   J(x; y) = c(y, x) + f(x) − ½ |x|²,
/// path and end together by one L-BFGS (arXiv 2406.00288, equation 8, whose g is ½ |x|² − f), from
/// the straight line to the predicted x and from bows beside it; the least J is kept. With c(y, x)
/// = ½ |x − y|² this is f(x) − <x, y> + ½ |y|², the problem of Lbfgs, so that f means the same for
/// every cost.
template <class ExecutionSpace, class Scalar>
class LeastActionConjugates {
 public:
  /// For up to `points` points. Keeps a copy of the Lagrangian. Of the path's settings nodes,
  /// points and starts count. Throws std::invalid_argument as PathEnergy and Lbfgs do.
  LeastActionConjugates(const Lagrangian& lagrangian, const PathSettings& path,
                        const LbfgsSettings& settings, int points, int dimension);
  LeastActionConjugates(const LeastActionConjugates&) = delete;
  LeastActionConjugates& operator=(const LeastActionConjugates&) = delete;

  /// From now on a minimization begins at the best of its start and these ends [K, D], judged by J
  /// with straight paths; J has other minima than the one that a prediction leads to. Keeps the
  /// elements.
  void try_ends(const Matrix<const Scalar, ExecutionSpace>& ends) { tried_ = ends; }

  /// From now on with these parameters. The Lagrangian is of the same type, with the same grid.
  void change(const Lagrangian& lagrangian) { lagrangian_ = lagrangian; }

  /// For training: in every third turn the next minimizations from predicted paths have one start
  /// besides, a bow as wide as any of the usual ones at most, in the others none. Another turn, or
  /// another number of a point, the first of which is `first`, has another bow, so that over turns
  /// all of them are tried. Does nothing where a path has 1 start.
  void vary_bows(std::int64_t turn, std::int64_t first) {
    turn_ = turn;
    first_ = first;
  }

  /// As Lbfgs::minimize(). Where result has them, end says which start led to x, −1 the prediction,
  /// else the number of a tried end, and bow which path, 0 the straight line, predicted_start the
  /// predicted one. result.value is J − ½ |y|², so that it is −f*(y) for the squared distance; the
  /// residual is the norm of the gradient by path and end. paths [B, path_numbers()], or nothing:
  /// the coefficients of a path for each prediction, see PathBasis, which is the first start; then
  /// of the paths found. After a tried end it starts as a straight line. Throws
  /// std::invalid_argument for another shape.
  void minimize(const ExecutionSpace& space, PotentialOracle<ExecutionSpace, Scalar>& potential,
                const Matrix<const Scalar, ExecutionSpace>& y,
                const Matrix<Scalar, ExecutionSpace>& x,
                const Conjugates<ExecutionSpace, Scalar>& result,
                const Matrix<Scalar, ExecutionSpace>& paths = {});

  /// Of the coefficients of a path.
  int path_numbers() const { return energy_.dimension() - 2 * dimension_; }

  /// A part of minimize(): x becomes the best of itself and the tried ends. Public since nvcc takes
  /// no lambda of a private function.
  void choose_starts(const ExecutionSpace& space, PotentialOracle<ExecutionSpace, Scalar>& both,
                     const Matrix<const Scalar, ExecutionSpace>& y,
                     const Matrix<Scalar, ExecutionSpace>& x,
                     const Matrix<Scalar, ExecutionSpace>& paths);

 private:
  Lagrangian lagrangian_;
  PathTables<ExecutionSpace> tables_;
  int starts_, dimension_;
  std::int64_t turn_ = -1, first_ = 0;  ///< of vary_bows(); -1: bows are the usual ones
  PathEnergy<ExecutionSpace, Scalar> energy_;
  Lbfgs<ExecutionSpace, Scalar> lbfgs_;
  Conjugates<ExecutionSpace, Scalar> minima_;
  Matrix<Scalar, ExecutionSpace> rows_, zeros_, ends_, slopes_;
  Vector<Scalar, ExecutionSpace> values_, tried_values_, best_values_;
  Matrix<Scalar, ExecutionSpace> tried_slopes_;
  Matrix<const Scalar, ExecutionSpace> tried_;
  Vector<int, ExecutionSpace> chosen_;  ///< of the tried ends, −1: none
};

}  // namespace otfleet::kernels
