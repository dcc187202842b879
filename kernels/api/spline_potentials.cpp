#include "kernels/api/spline_potentials.hpp"

#include "kernels/api/detail/problems_state.hpp"
#include "kernels/initializers/spline_potential.hpp"
#include "kernels/problems/segment_copy.hpp"

namespace otfleet::kernels {
namespace {

const CloudBatch<DeviceSpace>& clouds(const Problems& problems) {
  const auto* own = std::get_if<OwnPointsProblems>(&problems.state().problems);
  if (own == nullptr)
    throw std::invalid_argument("splines are for problems whose measures have points of their own");
  return own->batch;
}

SplineFrames<DeviceSpace> frames_of(const SplineFrameRows& frames) {
  return {view_of(frames.rows), frames.gaussian};
}

SplineFrameRows rows_of(const SplineFrames<DeviceSpace>& frames) {
  // The View keeps the elements.
  const auto owner = std::make_shared<Matrix<const double, DeviceSpace>>(frames.rows);
  return {{owner->data(), {owner->extent(0), owner->extent(1)}, owner}, frames.gaussian};
}

}  // namespace

SplineFrameRows pair_frames(const Problems& problems) {
  return rows_of(pair_frames<DeviceSpace>(DeviceSpace(), clouds(problems)));
}

SplineFrameRows box_frames(const Problems& problems, const FrameBox& box) {
  return rows_of(box_frames<DeviceSpace>(DeviceSpace(), clouds(problems), box));
}

void spline_inputs(const Problems& problems, const SplineFrameRows& frames,
                   const SplineBasis& basis, Side side, double epsilon,
                   const DeviceArray<float, 2>& inputs) {
  spline_inputs<DeviceSpace>(DeviceSpace(), clouds(problems), frames_of(frames), basis, side,
                             epsilon, view_of(inputs));
}

void spline_potential(const Problems& problems, const SplineFrameRows& frames,
                      const SplineBasis& basis, double epsilon,
                      const DeviceArray<const float, 2>& coefficients,
                      const DeviceArray<double>& f) {
  spline_potential<DeviceSpace>(DeviceSpace(), clouds(problems), frames_of(frames), basis, epsilon,
                                view_of(coefficients), view_of(f));
}

void spline_gradient(const Problems& problems, const SplineFrameRows& frames,
                     const SplineBasis& basis, const DeviceArray<const double>& slope,
                     const DeviceArray<float, 2>& gradient) {
  spline_gradient<DeviceSpace>(DeviceSpace(), clouds(problems), frames_of(frames), basis,
                               view_of(slope), view_of(gradient));
}

void source_shares(const Problems& problems, const DeviceArray<double>& a) {
  const auto& batch = clouds(problems);
  Segments<DeviceSpace>(batch.source.offsets(), std::span(batch.source_index))
      .gather(DeviceSpace(), batch.source.weights(), view_of(a));
}

}  // namespace otfleet::kernels
