#pragma once
#include <vector>

#include "kernels/kokkos_compat.hpp"
#include "kernels/training/adam_settings.hpp"
#include "kernels/training/soap_settings.hpp"

namespace otfleet::kernels {

/// SOAP (Vyas et al. 2024, arXiv 2409.11321, algorithm 3): Adam in the basis in which Shampoo's two
/// factors of a weight matrix, the running means of G Gᵀ and Gᵀ G over its gradients G, are
/// diagonal. Bases follow the factors by one orthogonal iteration every `basis_every` steps. Adam's
/// moments are kept in the basis: the first turns with it, the second keeps its places. Other
/// parameters get Adam's step. The rate rises over the first `warm_up` steps, until bases mean
/// something.
///
/// Work of a step: 3 m n (m + n) multiply-adds for a matrix [m, n], a refresh a few times that.
/// Memory: besides the state two matrices of the largest shape.
template <class ExecutionSpace>
class Soap {
 public:
  /// Of `parameters` numbers, among which are `matrices`. Throws std::invalid_argument: a matrix
  /// that is not inside.
  Soap(SoapSettings settings, std::vector<MatrixPlace> matrices, std::size_t parameters);

  /// Numbers in `factors` and in `bases`: those of a matrix's rows [m, m], then of its columns
  /// [n, n], matrix after matrix.
  std::size_t factor_size() const { return factor_size_; }

  /// What a step changes. All begin as zeros.
  struct State {
    Vector<float, ExecutionSpace> first_moment, second_moment;  ///< [parameters]
    Vector<float, ExecutionSpace> factors, bases;               ///< [factor_size()]
  };

  /// Step number `step`, from 1, as adam_step() has it. Local; waits on steps that refresh bases.
  void step(const ExecutionSpace& space, const AdamSettings& adam, long step, double clip,
            const Vector<const double, ExecutionSpace>& squared_norm,
            const Vector<const float, ExecutionSpace>& gradient,
            const Vector<float, ExecutionSpace>& parameters, const State& state);

 private:
  SoapSettings settings_;
  std::vector<MatrixPlace> matrices_;
  std::size_t factor_size_ = 0;
  Vector<float, ExecutionSpace> slope_;  ///< [parameters] the gradient, later the direction
  // Of the largest matrix, or its larger side.
  Vector<float, ExecutionSpace> work_, product_, estimates_;
  Vector<int, ExecutionSpace> order_;
};

}  // namespace otfleet::kernels
