#pragma once
#include <vector>

namespace otfleet::kernels {

/// Paths from x to y over times 0 to 1, the straight line plus a cubic spline that vanishes at both
/// ends, as in NLOT (Pooladian, Domingo-Enrich, Chen & Amos 2024, arXiv 2406.00288, section 3.2):
///
///   γ(t) = (1 − t) x + t y + Σ_j ψ_j(t) u_j,   u_j in R^D, j < coefficients.
///
/// The ψ_j are natural cubic splines on equal steps. They are chosen so that the kinetic energy of
/// the sum over `points` times, ½ Σ |γ_{k+1} − γ_k|² / step, is ½ |y − x|² + ½ Σ |u_j|²: minimizers
/// that know nothing of the problem begin with the right scales. Where the spline has more nodes
/// than the sum has points, many splines have the same sum; these span the ones of least kinetic
/// energy ∫ ½ |γ'|² dt.
struct PathBasis {
  int nodes, points, fine_points, coefficients;
  // Values of ψ, row-major.
  std::vector<double> at_points;  ///< [points, coefficients]
  std::vector<double> at_nodes;   ///< [nodes, coefficients]
  std::vector<double> at_fine;    ///< [fine_points, coefficients]
  std::vector<double> bow;        ///< [coefficients], of what is nearest to sin(π t)

  /// Throws std::invalid_argument for fewer than 3 nodes or points.
  PathBasis(int nodes, int points);
};

}  // namespace otfleet::kernels
