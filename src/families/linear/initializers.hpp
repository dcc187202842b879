#pragma once
#include <string>

#include "kernels/problems/problem_batch.hpp"
#include "src/populations/cost.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// Why the initializer does not fit the geometry, "needs one dimension; this population has 2";
/// empty when it does. Local.
std::string initializer_complaint(const std::string& initializer, const Geometry& geometry);

/// What the starts that need no model look at. Points are empty where a dense cost has none.
struct StartInputs {
  const Geometry& geometry;
  const Cost& cost;
  Matrix<const double, ExecutionSpace> source_points, target_points;
  double epsilon;
  bool in_float;  ///< arithmetic of solves on the way
};

/// f [B, n] of an initializer other than "zeros" and "model", which must fit the geometry. Local.
void compute_start(const std::string& initializer, const StartInputs& inputs,
                   const kernels::ProblemBatch<ExecutionSpace>& problems,
                   const Matrix<double, ExecutionSpace>& f);

}  // namespace otfleet
