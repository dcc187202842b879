#pragma once
#include "kernels/operators/in_lanes/launch.hpp"
#include "kernels/operators/in_lanes/tile_access.hpp"
#include "kernels/problems/supports.hpp"

namespace otfleet::kernels {

/// What kernels share that look at given potentials once, tile by tile: lane l of tile t holds
/// instance order(t·width + l), the last one repeated in the lanes beyond the batch.
template <class Domain_, class ExecutionSpace>
struct HalfStep {
  using Domain = Domain_;
  using L = typename Domain::L;
  using Pack = typename L::Pack;
  using Memory = typename Domain::Memory;
  using Scalar = typename Domain::Scalar;
  static_assert(sizeof(Scalar) == sizeof(double), "potentials are certified in double");

  /// Tile arrays that load() and run() fill: weights, left and right potentials, and
  /// applied = K v (to be turned into P1 by Domain::marginal).
  enum Array { a, b, left, right, applied, first_free };

  AxisChain<Scalar> to_target, to_source;  ///< of the whole cost
  ProblemBatch<ExecutionSpace> problems;
  double epsilon;
  double cost_minimum;
  Matrix<const double, ExecutionSpace> f;
  Supports<ExecutionSpace> supports;

  KOKKOS_FUNCTION int instance(int tile, int lane) const {
    const int position = tile * L::width + lane;
    return supports.order(position < problems.size() ? position : problems.size() - 1);
  }
  /// The regions that the instances of a tile share.
  KOKKOS_FUNCTION void regions(int tile, Region& source, Region& target) const {
    source = supports.source(instance(tile, 0));
    target = supports.target(instance(tile, 0));
    for (int lane = 1; lane < L::width; ++lane) {
      source.include(supports.source(instance(tile, lane)));
      target.include(supports.target(instance(tile, lane)));
    }
  }
  KOKKOS_FUNCTION int n() const { return to_target.in_points(); }
  KOKKOS_FUNCTION int m() const { return to_target.out_points(); }
  KOKKOS_FUNCTION const double* source_weights(int k) const {
    return &problems.source.weights(problems.source_index(k), 0);
  }
  KOKKOS_FUNCTION const double* target_weights(int k) const {
    return &problems.target.weights(problems.target_index(k), 0);
  }

  KOKKOS_FUNCTION void load(const Team<ExecutionSpace>& team, int tile,
                            const Memory& memory) const {
    for (int lane = 0; lane < L::width; ++lane) {
      const int k = instance(tile, lane);
      load_weights<L>(team, source_weights(k), n(), lane, memory.array(a));
      load_weights<L>(team, target_weights(k), m(), lane, memory.array(b));
      load_potential<Domain, ExecutionSpace>(team, &f(k, 0), source_weights(k), epsilon, n(), lane,
                                             memory.array(left));
    }
  }

  /// right = the half-step from left, on the regions of the cropped chain. `scratch` is the first
  /// of Domain::scratch_arrays free arrays.
  KOKKOS_FUNCTION static void fit_target(const Team<ExecutionSpace>& team, const Memory& memory,
                                         const AxisChain<Scalar>& to_target, int scratch) {
    Scalar* v = memory.array(right);
    const Scalar* weights = memory.array(b);
    Domain::apply(team, to_target, memory.array(left), v, memory, scratch);
    for_rows<L>(team, to_target.to, [&](int row, int pack) {
      Domain::store(v, row, pack,
                    Domain::fit(load_plain<L>(weights, row, pack), Domain::load(v, row, pack)));
    });
  }

  /// The same, and applied = K right.
  KOKKOS_FUNCTION static void run(const Team<ExecutionSpace>& team, const Memory& memory,
                                  const AxisChain<Scalar>& to_target,
                                  const AxisChain<Scalar>& to_source, int scratch) {
    fit_target(team, memory, to_target, scratch);
    Domain::apply(team, to_source, memory.array(right), memory.array(applied), memory, scratch);
  }

  /// out[lane] = sum_j b_j epsilon log v_j, the part of <g, b> that depends on the lane's v.
  KOKKOS_FUNCTION void target_dual(const Team<ExecutionSpace>& team, const Memory& memory,
                                   const Region& target, Scalar* partial, Scalar* out) const {
    const Scalar *weights = memory.array(b), *v = memory.array(right);
    const Pack scale(epsilon);
    sum_rows<L>(team, target, partial, out, [&](int row, int pack) {
      return load_plain<L>(weights, row, pack) * scale *
             Domain::logarithm(Domain::load(v, row, pack));
    });
  }

  /// What figures of instance k, whose weights are shares, are multiplied by.
  KOKKOS_FUNCTION double mass(int k) const {
    return problems.source.mass(problems.source_index(k));
  }

  /// <f, a> of instance k, over its mass.
  KOKKOS_FUNCTION double source_dual(const Team<ExecutionSpace>& team, int k) const {
    const double *potential = &f(k, 0), *weights = source_weights(k);
    double sum = 0;
    Kokkos::parallel_reduce(
        Kokkos::TeamThreadRange(team, n()),
        [&](int i, double& part) { part += weights[i] > 0 ? weights[i] * potential[i] : 0.0; },
        sum);
    return sum;
  }

  /// The largest entry of instance k's f, which load_potential took out of it.
  KOKKOS_FUNCTION double largest(const Team<ExecutionSpace>& team, int k) const {
    return largest_on_support(team, &f(k, 0), source_weights(k), n());
  }
  /// g = epsilon log v + constant: f is without its largest entry, the tables are without the
  /// minimum of the cost, and weights are shares of the mass.
  KOKKOS_FUNCTION double constant(double largest, int k) const {
    return cost_minimum - largest + epsilon * ::log(mass(k));
  }
};

}  // namespace otfleet::kernels
