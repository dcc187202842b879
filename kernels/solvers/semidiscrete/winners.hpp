#pragma once
#include <cstdint>

#include "kernels/host_device.hpp"
#include "kernels/kokkos_compat.hpp"

namespace otfleet::kernels {

/// A score and whose it is, as one number that is larger where the score is, or the point comes
/// first.
OTFLEET_INLINE_FUNCTION std::uint64_t key_of(std::uint32_t score_bits, int point) {
  const std::uint32_t ordered = (score_bits >> 31) != 0 ? ~score_bits : score_bits | 0x80000000u;
  return (static_cast<std::uint64_t>(ordered) << 32) |
         (0xffffffffu - static_cast<std::uint32_t>(point));
}
inline int point_of(std::uint64_t key) {
  return static_cast<int>(0xffffffffu - static_cast<std::uint32_t>(key));
}

/// For samples x the point y_j where 2 <x, y_j> + heights_j is largest, which is where
/// |x − y_j|² − g_j is least for g_j = heights_j + |y_j|².
///
/// Samples are taken in batches of `batch`. Of normal noise a batch gives more samples for less:
/// rows of Q X are independent normal ones, too, for every orthogonal Q, and their scores are Q
/// times those of X. Q is a Hadamard matrix times random signs, whose product takes log2(batch)
/// additions for each score, where another batch takes d multiply-adds. Samples of different
/// rotations of a batch depend on each other.
template <class ExecutionSpace>
class Winners {
 public:
  static constexpr int batch = 256;
  using Keys = Vector<std::uint64_t, ExecutionSpace>;

  /// `points` [N, d].
  Winners(const ExecutionSpace& space, const Vector<const float, ExecutionSpace>& points, int count,
          int dimension);

  /// Numbers that `heights` of find() and mean_gap() have: those of the points, then any.
  int padded() const { return padded_; }

  /// keys [rotations batch] become those of the winners, where rotations is one more than signs
  /// [rotations − 1, batch] has rows: samples themselves come first, then each rotation of the one
  /// before, by signs / sqrt(batch). `samples` [batch, d], `heights` [padded()]. With temperature >
  /// 0 the score of each sample and point has that times a Gumbel variable more, which depends on
  /// the seed, the sample's place among keys and the point: a point wins with the probability of
  /// the soft maximum.
  void find(const Matrix<const float, ExecutionSpace>& samples,
            const Matrix<const float, ExecutionSpace>& signs,
            const Vector<const float, ExecutionSpace>& heights, float temperature,
            std::uint64_t seed, const Keys& keys) const;

  /// Adds to sums [padded()] for each point the sum over the samples of exp((score − that of the
  /// winner in keys [batch]) / temperature), where exponents above 60 count as 60.
  void add_shares(const Matrix<const float, ExecutionSpace>& samples,
                  const Vector<const float, ExecutionSpace>& heights, float temperature,
                  const Keys& keys, const Vector<float, ExecutionSpace>& sums) const;

  /// The mean over the samples of by how much the largest score exceeds the second one; 0 where
  /// there is one point.
  double mean_gap(const Matrix<const float, ExecutionSpace>& samples,
                  const Vector<const float, ExecutionSpace>& heights) const;

 private:
  /// Calls work(first, columns, scores) for blocks of points.
  template <class Work>
  void for_each_block(const Matrix<const float, ExecutionSpace>& samples, const Work& work) const;

  ExecutionSpace space_;
  int count_, padded_;                    ///< points, and those with what fills the last tile
  Matrix<float, ExecutionSpace> points_;  ///< [padded, d]
  Vector<float, ExecutionSpace> scores_;
};

}  // namespace otfleet::kernels
