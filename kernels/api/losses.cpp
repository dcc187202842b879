#include "kernels/api/losses.hpp"

#include "kernels/api/detail/conjugate_views.hpp"
#include "kernels/training/dual_loss.hpp"
#include "kernels/training/expectile.hpp"
#include "kernels/training/loss.hpp"

namespace otfleet::kernels {

void negative_mean_dual(const DeviceArray<const double>& value, const DeviceArray<double>& gradient,
                        double batch, const DeviceArray<double>& loss) {
  negative_mean_dual<DeviceSpace>(DeviceSpace(), view_of(value), view_of(gradient), batch,
                                  view_of(loss));
}

void potential_distance(const DeviceArray<const std::int64_t>& begin,
                        const DeviceArray<const double>& a, const DeviceArray<const double>& f,
                        const DeviceArray<const double>& target, double epsilon, double batch,
                        const DeviceArray<double>& gradient, const DeviceArray<double>& distance) {
  potential_distance<DeviceSpace>(DeviceSpace(), view_of(begin), view_of(a), view_of(f),
                                  view_of(target), epsilon, batch, view_of(gradient),
                                  view_of(distance));
}

void scaled_difference(const DeviceArray<const float, 2>& a, const DeviceArray<const float, 2>& b,
                       double scale, const DeviceArray<float, 2>& difference) {
  scaled_difference<DeviceSpace>(DeviceSpace(), view_of(a), view_of(b), scale, view_of(difference));
}

DualLoss dual_loss(const DeviceArray<const float>& f_x, const ConjugateResult<float>& conjugates,
                   double batch, const DeviceArray<float, 2>& minimizers,
                   const DeviceArray<float>& weights) {
  return dual_loss<DeviceSpace>(DeviceSpace(), view_of(f_x), view_of(conjugates), batch,
                                view_of(minimizers), view_of(weights));
}

void expectile_weights(const ExpectileSettings& settings, const DeviceArray<const float, 2>& x,
                       const DeviceArray<const float, 2>& y, const DeviceArray<const float>& f_x,
                       const ConjugateResult<float>& conjugates,
                       const DeviceArray<float>& weights) {
  expectile_weights<DeviceSpace>(DeviceSpace(), settings, view_of(x), view_of(y), view_of(f_x),
                                 view_of(conjugates), view_of(weights));
}

void clear_lost_rows(const DeviceArray<const int>& status, const DeviceArray<float, 2>& rows) {
  clear_lost_rows<DeviceSpace>(DeviceSpace(), view_of(status), view_of(rows));
}

void weigh_bows(const DeviceArray<const int>& bow, double factor,
                const DeviceArray<float, 2>& rows) {
  weigh_bows<DeviceSpace>(DeviceSpace(), view_of(bow), factor, view_of(rows));
}

}  // namespace otfleet::kernels
