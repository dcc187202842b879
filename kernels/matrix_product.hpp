#pragma once
#include <KokkosBlas3_gemm.hpp>

#include "kernels/kokkos_compat.hpp"

// Products of matrices, by the BLAS behind KokkosBlas. Inside kernels/ alone.
namespace otfleet::kernels::detail {

enum class Form { a_b, a_bt, at_b };

/// C = alpha A B, alpha A Bᵀ or alpha Aᵀ B, plus beta C.
template <class ExecutionSpace, class Scalar>
void multiply(Form form, const Matrix<const Scalar, ExecutionSpace>& a,
              const Matrix<const Scalar, ExecutionSpace>& b, double beta,
              const Matrix<Scalar, ExecutionSpace>& c, double alpha = 1) {
  const char no_turn[] = "N", turn[] = "T";
  KokkosBlas::gemm(form == Form::at_b ? turn : no_turn, form == Form::a_bt ? turn : no_turn,
                   static_cast<Scalar>(alpha), a, b, static_cast<Scalar>(beta), c);
}

}  // namespace otfleet::kernels::detail
