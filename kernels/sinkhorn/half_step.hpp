#pragma once
#include "kernels/sinkhorn/launch.hpp"
#include "kernels/sinkhorn/tile_access.hpp"

namespace otfleet::kernels {

/// What kernels share that look at given potentials once, tile by tile: lane l of tile t holds
/// instance t·width + l, the last one repeated in the lanes beyond the batch.
template <class Domain, class ExecutionSpace>
struct HalfStep {
  using L = typename Domain::L;
  using Scalar = typename Domain::Scalar;
  static_assert(sizeof(Scalar) == sizeof(double), "potentials are judged in double");

  /// Tile arrays that load() and run() fill: weights, left and right potentials, and
  /// applied = K v (to be turned into P1 by Domain::marginal).
  enum Array { a, b, fit_b, left, right, applied, first_free };

  AxisChain<Scalar> to_target, to_source;
  ProblemBatch<ExecutionSpace> problems;
  double epsilon;
  double cost_minimum;
  Matrix<const double, ExecutionSpace> f;

  KOKKOS_FUNCTION int instance(int tile, int lane) const {
    const int k = tile * L::width + lane;
    return k < problems.size() ? k : problems.size() - 1;
  }
  KOKKOS_FUNCTION const double* source_weights(int k) const {
    return &problems.source.weights(problems.source_index(k), 0);
  }
  KOKKOS_FUNCTION const double* target_weights(int k) const {
    return &problems.target.weights(problems.target_index(k), 0);
  }

  KOKKOS_FUNCTION void load(const Team<ExecutionSpace>& team, int tile,
                            const TileMemory<L>& memory) const {
    for (int lane = 0; lane < L::width; ++lane) {
      const int k = instance(tile, lane);
      const double scale = problems.source.mass(problems.source_index(k)) /
                           problems.target.mass(problems.target_index(k));
      load_weights<Domain, ExecutionSpace>(team, source_weights(k), 1.0, to_target.in_points, lane,
                                           memory.array(a), memory.array(a));
      load_weights<Domain, ExecutionSpace>(team, target_weights(k), scale, to_target.out_points,
                                           lane, memory.array(b), memory.array(fit_b));
      load_potential<Domain, ExecutionSpace>(team, &f(k, 0), source_weights(k), epsilon,
                                             to_target.in_points, lane, memory.array(left));
    }
  }

  /// right = the half-step from left, applied = K right. `scratch` is the first of
  /// Domain::scratch_arrays free arrays.
  KOKKOS_FUNCTION void run(const Team<ExecutionSpace>& team, const TileMemory<L>& memory,
                           int scratch) const {
    Scalar* v = memory.array(right);
    const Scalar* fit = memory.array(fit_b);
    Domain::apply(team, to_target, memory.array(left), v, memory, scratch);
    for_rows<L>(team, to_target.out_points, [&](int row, int pack) {
      const long at = static_cast<long>(row) * L::width + pack * L::pack_width;
      L::store(v + at, Domain::fit(L::load(fit + at), L::load(v + at)));
    });
    Domain::apply(team, to_source, v, memory.array(applied), memory, scratch);
  }

  /// out[lane] = sum_j b_j epsilon log v_j, the part of <g, b> that depends on the lane's v.
  KOKKOS_FUNCTION void target_dual(const Team<ExecutionSpace>& team, const TileMemory<L>& memory,
                                   Scalar* partial, Scalar* out) const {
    using Pack = typename L::Pack;
    const Scalar *weights = memory.array(b), *v = memory.array(right);
    const Pack scale(epsilon), none(Scalar(0)), one(Scalar(1));
    sum_rows<L>(team, to_target.out_points, partial, out, [&](int row, int pack) {
      const long at = static_cast<long>(row) * L::width + pack * L::pack_width;
      const Pack weight = L::load(weights + at);
      // Points without weight have no potential; any finite number times zero will do.
      const Pack held = if_greater(weight, none, L::load(v + at), one);
      return weight * scale * Domain::to_exponent(held);
    });
  }

  /// <f, a> of instance k.
  KOKKOS_FUNCTION double source_dual(const Team<ExecutionSpace>& team, int k) const {
    const double *potential = &f(k, 0), *weights = source_weights(k);
    double sum = 0;
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, to_target.in_points),
        [&](int i, double& part) { part += weights[i] > 0 ? weights[i] * potential[i] : 0.0; },
        sum);
    return sum;
  }

  /// g = epsilon log v + constant: load_potential took its largest entry out of f, and the tables
  /// the minimum out of the cost.
  KOKKOS_FUNCTION double constant(const Team<ExecutionSpace>& team, int k) const {
    return cost_minimum -
           largest_on_support(team, &f(k, 0), source_weights(k), to_target.in_points);
  }
};

}  // namespace otfleet::kernels
