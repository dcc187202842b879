#pragma once
#include <memory>

#include "kernels/geometry/separable_cost.hpp"
#include "kernels/problems/problem_batch.hpp"
#include "kernels/problems/supports.hpp"

namespace otfleet::kernels {

/// What certificates, derivatives and block ascent need of the costs between two sides, for many
/// problems at once. Both geometries have the same functions; rows of arrays are problems, points
/// without weight get −inf (soft minima) or 0 (means).
///   to_source, result [B, n] from potentials [B, m]: −epsilon log sum_j exp((g_j − C_ij)/epsilon)
///   to_target, the same with the sides exchanged
///   mean_costs, result [B, n]: the mean of C_ij with weights exp((g_j − C_ij)/epsilon)
/// for the problems `which` alone. `order` is the order to name them in.
///
/// Here for separable costs. In plain numbers as long as sums of Gibbs factors can neither vanish
/// nor lose what counts, whatever the potentials: their largest is 1. Else in extended range.
template <class ExecutionSpace>
class GridSoftMinimum {
 public:
  using Potentials = Matrix<double, ExecutionSpace>;
  using Instances = Vector<const int, ExecutionSpace>;

  /// Throws std::invalid_argument when sizes do not fit.
  GridSoftMinimum(const ExecutionSpace& space, const SeparableCost& cost,
                  const ProblemBatch<ExecutionSpace>& problems, double epsilon);

  Instances order() const { return supports_.order; }
  void to_source(const ExecutionSpace& space, const Instances& which, const Potentials& g,
                 const Potentials& result) const;
  void to_target(const ExecutionSpace& space, const Instances& which, const Potentials& f,
                 const Potentials& result) const;
  void mean_costs(const ExecutionSpace& space, const Instances& which, const Potentials& g,
                  const Potentials& result) const;

 private:
  enum class Wanted { source, target, costs };
  void run(const ExecutionSpace& space, Wanted wanted, const Instances& which,
           const Potentials& potentials, const Potentials& result) const;
  template <class Domain>
  void run_in(const ExecutionSpace& space, Wanted wanted, const Instances& which,
              const Potentials& potentials, const Potentials& result) const;

  SeparableCost cost_;
  ProblemBatch<ExecutionSpace> problems_;
  double epsilon_;
  Supports<ExecutionSpace> supports_;
};

}  // namespace otfleet::kernels
