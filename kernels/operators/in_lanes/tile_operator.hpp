#pragma once
#include "kernels/operators/in_lanes/tile_group.hpp"
#include "kernels/operators/problem_rows.hpp"

namespace otfleet::kernels {

/// The operator (kernels/README.md) in lanes: a group of tiles, one problem in a lane. What uses
/// one is compiled once for all geometries. Steps are launched in order and may still run when a
/// call returns. Not for device code.
template <class ExecutionSpace>
class TileOperator : public TilePoints<Lanes<ExecutionSpace, double>, ExecutionSpace> {
 public:
  using Points = TilePoints<Lanes<ExecutionSpace, double>, ExecutionSpace>;
  using Field = typename Points::Field;
  using ProblemValue = typename Points::ProblemValue;

  using Points::Points;
  virtual ~TileOperator() = default;
  TileOperator(const TileOperator&) = delete;
  TileOperator& operator=(const TileOperator&) = delete;

  /// Takes the problems from position `first` on that fit. totals [B, …]: where sums go. Fields of
  /// earlier groups are gone.
  virtual void take_problems(int first, const Matrix<double, ExecutionSpace>& totals) = 0;
  /// That it takes at once.
  virtual int problems() const = 0;

  /// A field of one side. `padding`: what changes nothing in what the field is used for.
  virtual Field field(Side side, double padding = 0) = 0;
  virtual Field weights(Side side) const = 0;
  virtual ProblemValue mass() const = 0;
  /// Do entries of the plan have fewer digits the larger potentials are? If not, sums over plans
  /// are as good as sums of numbers that are given.
  virtual bool rounding_grows() const = 0;
  /// The relative rounding of sums over the plan, once find_rounding() was called with the totals
  /// that hold the largest exponents of both sides.
  virtual ProblemValue rounding() const = 0;
  virtual void find_rounding(int source_exponent, int target_exponent) = 0;
  /// A potential that is in no minimum, and finite.
  virtual double beyond() const = 0;
  /// What differences of potentials are cut at: no larger one binds.
  virtual ProblemValue most_gap() const = 0;
  /// Can apply_cost() be asked for? A product may go where nothing may: see allowed_rounding.hpp.
  virtual bool multiplies_costs() const = 0;

  /// The potentials of one side, less their largest; gaps = what they lie below it, 0 without
  /// weight.
  virtual void load(Side side, const ProblemRows<const double>& potentials,
                    const Field& gaps = {}) = 0;
  /// The potentials of `side`, which fit() has found from the other one, in units of the cost.
  virtual void store(Side side, const ProblemRows<double>& potentials) const = 0;
  /// field = coordinate c of the points of one side.
  virtual void load_points(Side side, const Matrix<const double, ExecutionSpace>& points, int c,
                           const Field& to) const = 0;
  /// The points with weight of a field into rows with `rows.per_point` numbers a point, at `c`.
  virtual void store_field(Side side, const Field& from, const ProblemRows<double>& rows,
                           int c = 0) const = 0;
  /// Rows of arrays over the points of one side, for every problem at hand.
  virtual void fill_rows(Side side, const ProblemRows<double>& rows, double value) const = 0;

  /// The potentials of `side` from those of the other one: the half-step, which makes its marginal
  /// exact.
  virtual void fit(Side side) = 0;
  /// What load() took off the potentials of a side, in units of the cost.
  virtual ProblemValue taken_off(Side side) const = 0;
  /// field = log sum_j exp(exponent_j − (C_ij − min C)/epsilon) over the other side, at points with
  /// weight of problems that are active (> 0); −1e300 where nothing reaches a point.
  virtual void log_sums(Side side, const Field& to, const ProblemValue& active) = 0;
  /// Sets the logarithms of exp(potential/epsilon) of points with weight.
  virtual void set_exponents(Side side, const Field& from) = 0;
  /// field = the logarithms of exp(potential/epsilon), 0 without weight.
  virtual void exponents(Side side, const Field& to) const = 0;

  /// sums = the plan's sums over the other side; costs, if asked for (source alone), the same of
  /// the cost times the plan.
  virtual void rows(Side side, const Field& sums, const Field& costs = {}) = 0;
  /// Scales rows of the plan with these sums down to the weights of their points.
  virtual void scale_down(Side side, const Field& sums) = 0;
  /// result = the means of `values` of the other side, weighted by the plan.
  virtual void means(Side side, const Field& values, const Field& result) = 0;
  /// result_i = sum_j C_ij x_j, for source points.
  virtual void apply_cost(const Field& x, const Field& result) = 0;
  /// result_i = min_j C_ij + x_j over the points of the other side.
  virtual void hard_min(Side side, const Field& x, const Field& result) = 0;
};

}  // namespace otfleet::kernels
