#pragma once
#include "kernels/api/problems.hpp"
#include "kernels/api/solvers.hpp"
#include "kernels/initializers/settings.hpp"
#include "kernels/operators/side.hpp"

// Starts f for solve_sinkhorn() on any geometry, flat, in units of the cost, at the epsilon of the
// problems to come. Each is the template of the same name in initializers/, with epsilon log a
// where that leaves it out. Throw std::invalid_argument where the geometry does not allow it.
// Local.

namespace otfleet::kernels {

/// Points of 1 to most_gaussian_dimension coordinates, of mixtures to most_mixture_dimension; meant
/// for squared Euclidean costs.
void gaussian_initializer(const Problems& problems, const DeviceArray<double>& f);
void gaussian_mixture_initializer(const Problems& problems, double epsilon,
                                  const DeviceArray<double>& f);

/// Points on a line; the cost |x − y|^power, power >= 1.
void sorting_initializer(const Problems& problems, double power, double epsilon,
                         const DeviceArray<double>& f);

/// Points with coordinates, or a grid: a smaller problem of every second point of an axis of a
/// grid, or of every eighth point elsewhere.
void subsample_initializer(const Problems& problems, double epsilon, const DeviceArray<double>& f);

void previous_epsilon_initializer(const Problems& problems, double epsilon, Arithmetic arithmetic,
                                  const DeviceArray<double>& f);

/// soft_c_transform() for starts: up to a constant for every problem, with an error of `tolerance`
/// at most, a share of the mass; where costs are a table, in double.
void half_step(const Problems& problems, double epsilon, double tolerance,
               const DeviceArray<const double>& from, const DeviceArray<double>& result, Side to);

/// As the templates of these names: all arrays as f, share [B].
void extrapolate(const Problems& problems, const DeviceArray<const double>& near,
                 const DeviceArray<const double>& far, const DeviceArray<const double>& share,
                 const DeviceArray<double>& f);
void fit_extrapolation(const Problems& problems, const DeviceArray<const double>& near,
                       const DeviceArray<const double>& far, const DeviceArray<const double>& f,
                       const DeviceArray<double>& share);

}  // namespace otfleet::kernels
