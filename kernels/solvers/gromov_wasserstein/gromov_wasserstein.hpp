#pragma once
#include <cstdint>
#include <vector>

#include "kernels/geometry/ground_cost.hpp"
#include "kernels/kokkos_compat.hpp"
#include "kernels/solvers/gromov_wasserstein/settings.hpp"

// Entropic Gromov–Wasserstein problems, plain and fused, many at once. Between a space of n points
// with the costs D_ik inside and weights a, and one of m points with the costs E_jl and weights b,
// both shares of a mass of 1:
//
//   minimize  alpha sum_ijkl (D_ik − E_jl)² P_ij P_kl + (1 − alpha) sum_ij |u_i − v_j|² P_ij
//             + epsilon KL(P | a ⊗ b)   over plans P with the marginals a and b,
//
// u and v what the points are besides their place (features). The sum is no convex function of P:
// what is found is a stationary plan, and the best one of several starts.

namespace otfleet::kernels {

/// Measures whose points have costs to each other. No weight is 0.
template <class ExecutionSpace>
struct MetricSpaces {
  int dimension = 0;                                   ///< coordinates that the inner cost sees
  int features = 0;                                    ///< the coordinates after them
  Vector<const double, ExecutionSpace> weights;        ///< [total], shares of the measure's mass
  Matrix<const double, ExecutionSpace> points;         ///< [total, dimension + features]
  Vector<const std::int64_t, ExecutionSpace> offsets;  ///< [M + 1]
};

/// Of each measure of a table: costs between its points, and how they are distributed.
template <class ExecutionSpace>
struct InnerCosts {
  MetricSpaces<ExecutionSpace> spaces;
  Vector<const double, ExecutionSpace> rounding;  ///< [M]; no computed cost is further off
  bool has_factors = false;              ///< the cost is |x − y|², a product of few columns
  Vector<double, ExecutionSpace> costs;  ///< D, rows apart by padded_points(n)
  Vector<std::int64_t, ExecutionSpace> cost_offsets;  ///< [M + 1], of D in `costs`
  Vector<double, ExecutionSpace> squares;             ///< [total], sum_k D_ik² a_k
  Matrix<double, ExecutionSpace> profiles;            ///< [total, profile_bins], see inner_costs()
};

/// Parts of a distribution of costs, of equal mass.
inline constexpr int profile_bins = 16;

/// Numbers of a row of points, filled up to whole packs.
template <class ExecutionSpace>
int padded_points(int points);

/// D of every measure, and for every point i its profile: the mean of each sixteenth of the
/// distribution of D_ik over k, in order. The mean square of the difference of two profiles is at
/// most the squared Wasserstein-2 distance between the distributions (Jensen), of which any plan
/// pays for the points that it pairs (Mémoli 2011, the third lower bound). Work: n² (d + log n).
/// Throws std::invalid_argument for sizes that do not fit.
template <class ExecutionSpace>
InnerCosts<ExecutionSpace> inner_costs(const ExecutionSpace& space,
                                       const MetricSpaces<ExecutionSpace>& spaces,
                                       const std::vector<std::int64_t>& offsets,
                                       const GroundCost& cost);

/// The same of matrices D that are given, one after the other, [n, n] each and symmetric; points
/// are features alone, or have no coordinates.
template <class ExecutionSpace>
InnerCosts<ExecutionSpace> given_inner_costs(const ExecutionSpace& space,
                                             const MetricSpaces<ExecutionSpace>& spaces,
                                             const std::vector<std::int64_t>& offsets,
                                             const Vector<const double, ExecutionSpace>& matrices);

/// Pairs of measures.
template <class ExecutionSpace>
struct GromovWassersteinBatch {
  InnerCosts<ExecutionSpace> source, target;
  Vector<const int, ExecutionSpace> source_index, target_index;  ///< [P]
  int largest_source = 0, largest_target = 0;                    ///< points
  int starts = 1;  ///< of each problem: item k · starts + s is start s of problem k

  int size() const { return static_cast<int>(source_index.extent(0)); }
  int items() const { return size() * starts; }
};

/// Where items stand. An item has n + (n + 1) padded_points(m) numbers, those of its potentials and
/// of its linear cost: f [n], g [padded m], C [n, padded m].
template <class ExecutionSpace>
struct GromovWassersteinState {
  Vector<double, ExecutionSpace> numbers;
  Vector<std::int64_t, ExecutionSpace> offsets;  ///< [items + 1]
  Vector<int, ExecutionSpace> begun;             ///< [items], 0 or 1
  Vector<double, ExecutionSpace> lower;          ///< [items], of first starts: the minimum's bound
  Vector<double, ExecutionSpace> residual;       ///< [items]
  Vector<double, ExecutionSpace> epsilon;        ///< [items], on its way to that of the settings
  /// [items]; iterations are counted from the beginning
  Vector<int, ExecutionSpace> iterations, inner_iterations, status;
  Vector<double, ExecutionSpace> inner_share;  ///< [items], of the residual, its inexactness
  Vector<int, ExecutionSpace> inner_limit;     ///< [items], of Sinkhorn's in an outer iteration
};

/// Solves the problems `which` from where their items stand, until each start has made `until`
/// [which] iterations in all; those that have not begun begin. Start 0 pairs points by their
/// profiles. The others do so too, and by their costs to two points that are drawn (by `seed` and
/// `streams` [P]) and paired by their profiles. Epsilon falls by halves from a twentieth of the
/// mean linear cost.
///
/// An outer iteration is a Sinkhorn solve with the linear cost
/// C = 2 alpha (const − 2 D P E) + (1 − alpha) |u − v|² of the plan before (Peyré, Cuturi & Solomon
/// 2016), as exact as the plan changes; where D and E are conditionally negative definite, as
/// squared Euclidean costs are, no exact one makes the sum above larger. The residual is the L1
/// change of the plan in the last one. Work of one, beside its Sinkhorn iterations of n m
/// multiply-adds: n m (n + m), of squared Euclidean costs 2 n m (d + 2). An item ends as converged,
/// at the iteration limit, as not finite, or as ended by the observer.
template <class ExecutionSpace>
void solve_gromov_wasserstein(const ExecutionSpace& space,
                              const GromovWassersteinBatch<ExecutionSpace>& problems,
                              const GromovWassersteinSettings& settings, std::uint64_t seed,
                              const Vector<const std::int64_t, ExecutionSpace>& streams,
                              const Vector<const int, ExecutionSpace>& which,
                              const Vector<const int, ExecutionSpace>& until,
                              const GromovWassersteinState<ExecutionSpace>& state);

/// Of every item, [items].
template <class ExecutionSpace>
struct GromovWassersteinFigures {
  /// The sum above without epsilon, of the plan rounded to a feasible one: 0 or more; and what the
  /// minimum without epsilon cannot exceed.
  Vector<double, ExecutionSpace> cost, upper;
  Vector<double, ExecutionSpace> regularized;     ///< cost + epsilon KL
  Vector<double, ExecutionSpace> marginal_error;  ///< L1, of the plan as it was found
};

/// Figures of items that have begun. Work: n m (n + m).
template <class ExecutionSpace>
void certify_gromov_wasserstein(const ExecutionSpace& space,
                                const GromovWassersteinBatch<ExecutionSpace>& problems,
                                const GromovWassersteinSettings& settings,
                                const GromovWassersteinState<ExecutionSpace>& state,
                                const GromovWassersteinFigures<ExecutionSpace>& figures);

/// The plan of an item, rounded to a feasible one: [n, m] in `plan`, n m numbers.
template <class ExecutionSpace>
void gromov_wasserstein_plan(const ExecutionSpace& space,
                             const GromovWassersteinBatch<ExecutionSpace>& problems,
                             const GromovWassersteinSettings& settings,
                             const GromovWassersteinState<ExecutionSpace>& state, int item,
                             const Vector<double, ExecutionSpace>& plan);

}  // namespace otfleet::kernels
