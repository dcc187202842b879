#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "distributed/shard.hpp"
#include "kernels/solvers/unbalanced/settings.hpp"
#include "src/families/linear/solutions.hpp"
#include "src/job.hpp"
#include "src/populations/population_view.hpp"

namespace otfleet {

/// Columns that follow from the dual values of solutions and from their measures alone: the
/// debiased Sinkhorn divergence, and the regularized value as other programs define it. What is
/// known of a measure is found once, when the first problem asks for it, and kept. Local; what is
/// found does not depend on which problems are asked for.
class DerivedValues {
 public:
  /// Keeps a reference to the population.
  explicit DerivedValues(const PopulationView& population);

  /// Why there are no divergences, or empty: there are. A cost matrix alone says nothing of the
  /// cost within the points of one side, unless both sides share them.
  static std::string divergence_complaint(const PopulationView& population);

  /// Fills what is `wanted` for solutions of the problems `rows` that have dual values. Transports
  /// of measures to themselves are solved at `settings`, to 1e-6 of the mass at least; a divergence
  /// is NaN where one of them did not converge.
  void add(distributed::Shard rows, const kernels::UnbalancedSettings& settings,
           const SolutionOptions& wanted, Solutions& solutions);

 private:
  /// Of the measures of one side.
  struct Side {
    std::vector<double> mass, entropy;  ///< sum w, sum w log w
    std::vector<double> self;           ///< value of its transport to itself; NaN: not known
    std::vector<bool> asked;            ///< for `self`
  };

  Side& side(bool source) { return source || shared_ ? sides_[0] : sides_[1]; }
  std::int32_t measure(bool source, std::int64_t problem) const;
  Geometry within(bool source) const;
  /// Values of transports of measures to themselves, many at a time; of measures scaled to mass 1
  /// where that is asked for.
  std::vector<double> self_values(bool source, std::span<const std::int32_t> measures,
                                  bool to_mass_one, const kernels::UnbalancedSettings& settings);
  void weigh(bool source);
  void find_self(bool source, distributed::Shard rows, const kernels::UnbalancedSettings& settings);
  bool same_measures(std::int64_t problem) const;

  PopulationView population_;
  bool shared_ = true;           ///< measures, by both sides
  bool same_points_ = true;      ///< of both sides, where problems share them
  bool never_negative_ = false;  ///< divergences: exp(−C/epsilon) is positive definite
  double geomloss_unit_ = 1;     ///< GeomLoss halves squared distances
  Side sides_[2];
};

}  // namespace otfleet
