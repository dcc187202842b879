#pragma once
#include <string>

#include "kernels/api/initializers.hpp"
#include "src/populations/population_view.hpp"

namespace otfleet {

/// Potentials of the problems before in a sequence, and of those before them, at the source points
/// of problems that want a start, flat; `share` [problems]: how far to go on from the one through
/// the other; 0 where there is only one.
struct EarlierPotentials {
  DeviceArray<double> near, far, share;

  bool any() const { return !near.empty(); }
};

/// Problems that want a start, and what initializers look at.
struct StartInputs {
  const GeometryFacts& geometry;
  double epsilon;
  kernels::Arithmetic arithmetic;  ///< of solves on the way
  const kernels::Problems& problems;
  const EarlierPotentials* earlier = nullptr;  ///< where the initializer needs sequences
};

/// One way to give solvers a start: solver.initializer. Each has a file of this folder and a line
/// in list.hpp.
class Initializer {
 public:
  virtual ~Initializer() = default;

  /// As job files spell it.
  virtual const char* name() const = 0;

  /// For `otfleet --keys`: what it is one of ("closed forms"), and what is to be known of it ("one
  /// dimension"); may be empty.
  virtual const char* group() const { return ""; }
  virtual const char* remark() const { return ""; }

  /// Whether it is what a model predicts (StartPredictor), which may be worse than no start.
  virtual bool needs_model() const { return false; }

  /// Whether it is made of solutions of earlier problems of a sequence. The first problem of each
  /// has the start solver.first_initializer.
  virtual bool needs_sequences() const { return false; }

  /// Whether f is zero, so that solvers need not look at it.
  virtual bool is_zero() const { return false; }

  /// Whether evaluate compares it where the job names none, and it fits.
  virtual bool compared_by_default() const { return false; }

  /// Why it does not fit the geometry, "needs one dimension; this population has 2"; empty when it
  /// does. Local.
  virtual std::string complaint(const GeometryFacts&) const { return {}; }

  /// f, flat, for a geometry that it fits; not called where is_zero() or needs_model(). Local.
  virtual void compute(const StartInputs&, const DeviceArray<double>& /*f*/) const {}
};

}  // namespace otfleet
