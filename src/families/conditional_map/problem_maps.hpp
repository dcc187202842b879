#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "src/families/conditional_map/conditional_model.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// The points of one problem, mapped.
struct SolvedMap {
  MappedPoints points;
  /// sum_i a_i |x_i|² + sum_j b_j |y_j|² − 2 (sum_i a_i f(x_i) + sum_j b_j f*(y_j)), weights scaled
  /// to mass 1: a lower bound on the squared Wasserstein-2 distance where the minima behind f* are
  /// global, as those of convex f are. NaN of a model without potentials.
  double dual_value = 0;
};

/// Maps of a population's problems by a trained model. Keeps references to all. Local; one thread
/// at a time.
class ProblemMaps {
 public:
  ProblemMaps(const CloudPopulation& population, ConditionalModel& model, const Job& job)
      : population_(population),
        model_(model),
        job_(job),
        contexts_(population, model.description()) {}

  /// The map of one problem, which keeps a reference to the model.
  std::unique_ptr<ProblemMap> map(std::int32_t problem);

  /// All points of its source (forward) or target, certified.
  SolvedMap solve(std::int32_t problem, bool forward);

 private:
  std::span<const double> points(std::int32_t problem, bool source) const;
  std::vector<double> shares(std::int32_t problem, bool source) const;

  const CloudPopulation& population_;
  ConditionalModel& model_;
  const Job& job_;
  ProblemContexts contexts_;
};

/// The points of a measure [n, D], and its weights scaled to mass 1. Local.
std::span<const double> points_of(const CloudTable& table, std::int64_t measure,
                                  std::int64_t dimension);
std::vector<double> shares_of(const CloudTable& table, std::int64_t measure);

}  // namespace otfleet
