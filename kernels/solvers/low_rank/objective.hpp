#pragma once
#include <cstddef>
#include <vector>

#include "kernels/solvers/low_rank/settings.hpp"

namespace otfleet::kernels {

/// What a plan costs, as a function of its cross moments M = sum_ij P_ij φ(x_i) φ(y_j)', where the
/// points are centered. A plan between clusters has sum_k g_k φ(x)_k φ(y)_k' of their centers. The
/// cost is a constant less `cost_factor()` times gain(M), and the slope of the gain over the plan
/// is φ(x)' form(M) φ(y): what mirror descent needs.
///
/// Linear: φ(x) = x, and the gain is tr M, since |x − y|² = |x|² + |y|² − 2 <x, y>.
///
/// Gromov–Wasserstein, of squared distances in both spaces: φ(x) = (x, |x|² − V), V the variance.
/// With S the block of M of coordinates and α its last entry the distortion is
///   4 (V_x − V_y)² + 2 (var |x|² + var |y|² − 2 α) + 4 (|Cov x|² + |Cov y|² − 2 |S|²)
/// (Rioux, Goldfeld & Kato 2023, section 2), so that the gain is |S|²/2 + α/4.
class LowRankObjectiveForm {
 public:
  using Numbers = std::vector<double>;

  LowRankObjectiveForm(LowRankObjective kind, std::size_t coordinates)
      : kind_(kind), coordinates_(coordinates) {}

  /// Columns of φ.
  std::size_t width() const {
    return coordinates_ + (kind_ == LowRankObjective::gromov_wasserstein ? 1 : 0);
  }
  double cost_factor() const { return kind_ == LowRankObjective::gromov_wasserstein ? 16 : 2; }
  /// Of cross moments [width, width].
  double gain(const Numbers& moments) const;
  /// [width, width].
  Numbers form(const Numbers& moments) const;

 private:
  LowRankObjective kind_;
  std::size_t coordinates_;
};

/// A coupling of two distributions over clusters, [r, r]: what they have in common stays, the rest
/// is spread.
std::vector<double> coupling_of(const std::vector<double>& from, const std::vector<double>& to);

/// sum_kl coupling_kl from_k to_l', [w, w], of centers [r, w]; `coupling` [r] is a diagonal one.
std::vector<double> cross_moments(const std::vector<double>& coupling,
                                  const std::vector<double>& from, const std::vector<double>& to,
                                  std::size_t width);

/// rows form', [r, w]: the products of a form with each of the rows.
std::vector<double> times_form(const std::vector<double>& form, const std::vector<double>& rows,
                               std::size_t width, bool transposed);

}  // namespace otfleet::kernels
