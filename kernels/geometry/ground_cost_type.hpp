#pragma once
#include <array>
#include <cmath>
#include <string>

#include "kernels/host_device.hpp"
#include "kernels/lanes/scalar_math.hpp"
#include "kernels/number_text.hpp"
#include "kernels/rounding.hpp"

// What a ground cost is: a type, one a file in ground_costs/, derived from GroundCostType, with all
// that anybody asks of a cost. ground_cost.hpp lists them; nothing else names one of them.

namespace otfleet::kernels {

/// What is said of a number that a cost takes. It must be finite.
struct ParameterFacts {
  const char* name;     ///< of the attribute in a population file; the job's key is problem.<name>
  const char* noun;     ///< "power", for messages
  const char* meaning;  ///< "the power of a distance"
  const char* range;    ///< ">= 1", what must hold of it, and
  bool (*allows)(double);
  bool required;    ///< in a population file; else what the cost has by default
  const char* doc;  ///< of the job's key
};

/// A parameter of a cost, and where the cost holds it.
template <class Cost>
struct CostParameter {
  double Cost::*value;
  ParameterFacts facts;
};

/// What a Sinkhorn iteration does to points where it sees −<x, y> instead of the cost, with costs
/// in units of 1/scale. Both sides get the same factor, so that rounded coordinates are the same in
/// both directions.
struct IterationUnits {
  double factor = 1;      ///< of the coordinates
  double norm_scale = 0;  ///< potentials have taken up −norm_scale |x|²
  double left_out = 0;    ///< what the cost is beside the product and these terms
};

/// slope += factor (x − y).
OTFLEET_INLINE_FUNCTION void add_difference(double factor, const double* x, const double* y,
                                            int dimension, double* slope) {
  for (int k = 0; k < dimension; ++k) slope[k] += factor * (x[k] - y[k]);
}

/// What holds of a cost unless its type says otherwise. A cost is a number made from a sum over
/// coordinates; besides what stands here it has
///
///   static constexpr const char* name, as files spell it;
///   from_sum<Scalar, Pack>(sum), the cost from the finished sum, 0 or more; on the device, with
///     the functions of packs alone;
///   add_slope(share, sum, x, y, dimension, slope), which adds share · dC/dx to slope [dimension]
///     (a subgradient where there is no derivative); on the device;
///   bound(reach, dimension), which no cost between points at most `reach` apart exceeds;
///   rounding(dimension, reach, bound), by how much a computed cost between such points may differ
///     from that of the points as they were given: they are moved to a common center or divided by
///     their length, and sums over coordinates are rounded. `bound` is bound(reach, dimension);
///   operator==, and a constructor without arguments that sets the usual parameters;
/// and it may have
///   exact(sum), which from_sum() is but in other digits, for costs that are stored;
///   sum_of_differences(differences, dimension), the sum for two points whose coordinates differ by
///     these numbers, where adding differences from 0 does not make it.
struct GroundCostType {
  /// Or CostParameter of the type.
  static constexpr std::array<int, 0> parameters{};

  // What the cost needs of points.

  /// Does it see directions alone? Points are then made unit vectors; else the cost is a function
  /// of x − y, and both may be moved.
  static constexpr bool takes_directions = false;
  /// The squared length of a point must be in this range. Beyond 1e300 there is no room for sums.
  static constexpr double least_square = 0, most_square = 1e300;
  /// What is wrong with a point that is not, after its name.
  static constexpr const char* fault = " has a coordinate that is not finite or too large";
  /// The same of a point of finite coordinates and of this length, in a sentence that says what to
  /// do; for costs that take directions.
  static std::string length_fault(double /*length*/) { return fault; }

  // What kernels compute.

  /// What is summed over coordinates, from 0.
  template <class Pack>
  using Sum = Pack;
  /// sum plus what one coordinate adds to it: squared differences. They lose nothing where points
  /// are close, and are 0 where they are equal.
  template <class Pack>
  OTFLEET_FORCEINLINE_FUNCTION static Pack add(const Pack& sum, const Pack& x, const Pack& y) {
    const Pack difference = x - y;
    return sum + difference * difference;
  }
  /// Is −<x, y> all that an iteration needs, once potentials have taken up the terms of single
  /// points? A product needs one operation less than a difference.
  static constexpr bool leaves_product = false;
  static IterationUnits iteration_units(double /*scale*/) { return {}; }

  // What is known of the costs between two boxes.

  /// Does it never fall where a |x_k − y_k| grows? Between two boxes it is then at least what their
  /// gaps cost, and at most what their spans do (box_cost.hpp).
  static constexpr bool grows_with_differences = true;

  // What the program asks.

  /// The p of a cost that is |x − y|^p between points of a line; 0: it is none. Convex from 1 on.
  static double line_power() { return 0; }
  /// Is exp(−C/epsilon) positive definite for every epsilon, so that divergences are never
  /// negative?
  static bool is_positive_definite(int /*dimension*/) { return true; }
  /// Is it h(x − y) with an h that is strictly convex, so that plans make maps of points?
  static constexpr bool has_maps() { return false; }
  /// For such a cost: slope [dimension] becomes the displacement x − y at which the cost has this
  /// slope, grad h* (of a subgradient: the displacement that has it among others).
  static void conjugate_slope(double* /*slope*/, int /*dimension*/) {}
  /// Is a Gaussian's optimal map to another one linear?
  static constexpr bool maps_gaussians = false;
  /// The unit in which GeomLoss has this cost.
  static constexpr double geomloss_unit = 1;

  bool operator==(const GroundCostType&) const = default;
};

}  // namespace otfleet::kernels
