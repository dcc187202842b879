#pragma once
#include <cmath>
#include <cstddef>
#include <vector>

namespace otfleet::kernels {

/// A symmetric matrix of any size, on the host, with what closed forms for Gaussians need of
/// dimensions for which SmallMatrix is too small. Work of each: of order d³.
class WideSymmetricMatrix {
 public:
  explicit WideSymmetricMatrix(std::size_t d) : d_(d), at_(d * d, 0.0) {}

  std::size_t size() const { return d_; }
  double& at(std::size_t i, std::size_t j) { return at_[i * d_ + j]; }
  double at(std::size_t i, std::size_t j) const { return at_[i * d_ + j]; }
  const std::vector<double>& values() const { return at_; }

  /// left · this · left, for a symmetric `left`.
  WideSymmetricMatrix between(const WideSymmetricMatrix& left) const {
    return symmetric(product(product(left, *this), left));
  }

  /// The square root of a positive semi-definite matrix, or the root of its pseudo-inverse.
  WideSymmetricMatrix root(bool inverse) const {
    WideSymmetricMatrix diagonal = *this, vectors(d_);
    diagonal.diagonalize(vectors);
    double largest = 0;
    for (std::size_t k = 0; k < d_; ++k) largest = std::fmax(largest, diagonal.at(k, k));
    WideSymmetricMatrix result(d_);
    for (std::size_t k = 0; k < d_; ++k) {
      const double value = diagonal.at(k, k);
      if (!(value > largest * 1e-12)) continue;  // flat
      const double root = inverse ? 1 / std::sqrt(value) : std::sqrt(value);
      for (std::size_t i = 0; i < d_; ++i)
        for (std::size_t j = 0; j < d_; ++j)
          result.at(i, j) += root * vectors.at(k, i) * vectors.at(k, j);
    }
    return result;
  }

  /// Makes this diagonal by cyclic Jacobi rotations; row k of `vectors` becomes the eigenvector of
  /// the diagonal's entry k.
  void diagonalize(WideSymmetricMatrix& vectors) {
    for (std::size_t i = 0; i < d_; ++i) vectors.at(i, i) = 1;
    constexpr int most_sweeps = 30;  // convergence is quadratic: 64 x 64 needs about 9
    for (int sweep = 0; sweep < most_sweeps; ++sweep) {
      double off = 0, all = 0;
      for (std::size_t i = 0; i < d_; ++i)
        for (std::size_t j = 0; j < d_; ++j) {
          all += at(i, j) * at(i, j);
          if (i != j) off += at(i, j) * at(i, j);
        }
      if (off <= 1e-30 * all) return;
      for (std::size_t p = 0; p < d_; ++p)
        for (std::size_t q = p + 1; q < d_; ++q) rotate(p, q, vectors);
    }
  }

 private:
  static WideSymmetricMatrix product(const WideSymmetricMatrix& one,
                                     const WideSymmetricMatrix& other) {
    WideSymmetricMatrix result(one.d_);
    for (std::size_t i = 0; i < one.d_; ++i)
      for (std::size_t k = 0; k < one.d_; ++k)
        for (std::size_t j = 0; j < one.d_; ++j) result.at(i, j) += one.at(i, k) * other.at(k, j);
    return result;
  }
  /// Without what rounding made different above and below the diagonal.
  static WideSymmetricMatrix symmetric(WideSymmetricMatrix given) {
    for (std::size_t i = 0; i < given.d_; ++i)
      for (std::size_t j = 0; j < i; ++j)
        given.at(i, j) = given.at(j, i) = (given.at(i, j) + given.at(j, i)) / 2;
    return given;
  }

  void rotate(std::size_t p, std::size_t q, WideSymmetricMatrix& vectors) {
    const double off = at(p, q);
    // So small an entry turns nothing, and its theta would overflow.
    if (std::fabs(off) <= 1e-40 * (std::fabs(at(p, p)) + std::fabs(at(q, q)))) return;
    const double theta = (at(q, q) - at(p, p)) / (2 * off);
    const double t = (theta >= 0 ? 1 : -1) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
    const double c = 1 / std::sqrt(t * t + 1), s = t * c;
    const auto turn = [c, s](double& x, double& y) {
      const double before = x;
      x = c * before - s * y;
      y = s * before + c * y;
    };
    for (std::size_t k = 0; k < d_; ++k) turn(at(k, p), at(k, q));
    for (std::size_t k = 0; k < d_; ++k) turn(at(p, k), at(q, k));
    for (std::size_t k = 0; k < d_; ++k) turn(vectors.at(p, k), vectors.at(q, k));
  }

  std::size_t d_;
  std::vector<double> at_;  ///< row-major
};

}  // namespace otfleet::kernels
