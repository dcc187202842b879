#pragma once
#include "kernels/api/conjugates.hpp"
#include "kernels/device_array.hpp"
#include "kernels/training/expectile_settings.hpp"
#include "kernels/training/loss_sums.hpp"

// What training minimizes, with its derivatives; the mathematics stands in training/loss.hpp,
// training/dual_loss.hpp and training/expectile.hpp. Local.

namespace otfleet::kernels {

/// value [B] and gradient, flat, of semi_dual(); `gradient` becomes the derivative of minus the
/// mean dual value with respect to f, loss [2] this rank's parts of the loss and of the mean error
/// of the predictions. Does not wait.
void negative_mean_dual(const DeviceArray<const double>& value, const DeviceArray<double>& gradient,
                        double batch, const DeviceArray<double>& loss);

/// The distance of predictions f from solved potentials `target`, all flat, problem k's from
/// begin [B + 1] on; `gradient` becomes
/// its derivative with respect to f, distance [1] this rank's part of the mean. Does not wait.
void potential_distance(const DeviceArray<const std::int64_t>& begin,
                        const DeviceArray<const double>& a, const DeviceArray<const double>& f,
                        const DeviceArray<const double>& target, double epsilon, double batch,
                        const DeviceArray<double>& gradient, const DeviceArray<double>& distance);

/// difference [B, D] = scale (a − b).
void scaled_difference(const DeviceArray<const float, 2>& a, const DeviceArray<const float, 2>& b,
                       double scale, const DeviceArray<float, 2>& difference);

/// The dual objective of samples, f_x [B] the values at x, and the weights [2 B] of f in its
/// gradient. Rows of `minimizers` [B, D] without a finite minimizer become zero.
DualLoss dual_loss(const DeviceArray<const float>& f_x, const ConjugateResult<float>& conjugates,
                   double batch, const DeviceArray<float, 2>& minimizers,
                   const DeviceArray<float>& weights);

/// Multiplies these weights by what expectile regularization changes, for pairs of rows of x and y
/// [B, D].
void expectile_weights(const ExpectileSettings& settings, const DeviceArray<const float, 2>& x,
                       const DeviceArray<const float, 2>& y, const DeviceArray<const float>& f_x,
                       const ConjugateResult<float>& conjugates, const DeviceArray<float>& weights);

/// Sets the rows of such points to zero.
void clear_lost_rows(const DeviceArray<const int>& status, const DeviceArray<float, 2>& rows);
void weigh_bows(const DeviceArray<const int>& bow, double factor,
                const DeviceArray<float, 2>& rows);

}  // namespace otfleet::kernels
