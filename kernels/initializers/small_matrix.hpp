#pragma once
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// Of what the Gaussian initializers compute within a team.
inline constexpr int max_dimension = 3;

/// A symmetric matrix of at most 3 × 3 with the few operations that closed forms for Gaussians
/// need.
struct SmallMatrix {
  double at[max_dimension][max_dimension] = {};
  int d = 0;

  KOKKOS_FUNCTION explicit SmallMatrix(int dimension = 0) : d(dimension) {}

  KOKKOS_FUNCTION SmallMatrix times(const SmallMatrix& other) const {
    SmallMatrix product(d);
    for (int i = 0; i < d; ++i)
      for (int j = 0; j < d; ++j)
        for (int k = 0; k < d; ++k) product.at[i][j] += at[i][k] * other.at[k][j];
    return product;
  }

  /// values[k] and the columns k of `vectors`: eigenvalues and vectors, by cyclic Jacobi rotations.
  KOKKOS_FUNCTION void diagonalize(double* values, SmallMatrix& vectors) const {
    SmallMatrix diagonal = *this;
    vectors = SmallMatrix(d);
    for (int i = 0; i < d; ++i) vectors.at[i][i] = 1;
    constexpr int sweeps = 12;  // quadratic convergence: 3 × 3 needs about 5
    for (int sweep = 0; sweep < sweeps; ++sweep)
      for (int p = 0; p < d; ++p)
        for (int q = p + 1; q < d; ++q) diagonal.rotate(p, q, vectors);
    for (int i = 0; i < d; ++i) values[i] = diagonal.at[i][i];
  }

  /// vectors · diag(values) · vectors'.
  KOKKOS_FUNCTION static SmallMatrix compose(const double* values, const SmallMatrix& vectors) {
    SmallMatrix result(vectors.d);
    for (int k = 0; k < vectors.d; ++k)
      for (int i = 0; i < vectors.d; ++i)
        for (int j = 0; j < vectors.d; ++j)
          result.at[i][j] += values[k] * vectors.at[i][k] * vectors.at[j][k];
    return result;
  }

  /// The square root of a positive semi-definite matrix, or the root of its pseudo-inverse.
  KOKKOS_FUNCTION SmallMatrix root(bool inverse) const {
    double values[max_dimension];
    SmallMatrix vectors;
    diagonalize(values, vectors);
    double largest = 0;
    for (int i = 0; i < d; ++i) largest = values[i] > largest ? values[i] : largest;
    for (int k = 0; k < d; ++k) {
      const bool flat = !(values[k] > largest * 1e-12);
      values[k] = flat ? 0.0 : inverse ? 1 / ::sqrt(values[k]) : ::sqrt(values[k]);
    }
    return compose(values, vectors);
  }

 private:
  KOKKOS_FUNCTION void rotate(int p, int q, SmallMatrix& vectors) {
    const double off = at[p][q];
    // So small an entry turns nothing, and its theta would overflow.
    if (::fabs(off) <= 1e-40 * (::fabs(at[p][p]) + ::fabs(at[q][q]))) return;
    const double theta = (at[q][q] - at[p][p]) / (2 * off);
    const double t = (theta >= 0 ? 1 : -1) / (::fabs(theta) + ::sqrt(theta * theta + 1));
    const double c = 1 / ::sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < d; ++k) {
      const double kp = at[k][p], kq = at[k][q];
      at[k][p] = c * kp - s * kq;
      at[k][q] = s * kp + c * kq;
    }
    for (int k = 0; k < d; ++k) {
      const double pk = at[p][k], qk = at[q][k];
      at[p][k] = c * pk - s * qk;
      at[q][k] = s * pk + c * qk;
      const double vp = vectors.at[k][p], vq = vectors.at[k][q];
      vectors.at[k][p] = c * vp - s * vq;
      vectors.at[k][q] = s * vp + c * vq;
    }
  }
};

}  // namespace otfleet::kernels
