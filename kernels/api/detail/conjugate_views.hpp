#pragma once
#include "kernels/api/conjugates.hpp"
#include "kernels/device_views.hpp"
#include "kernels/minimize/conjugate.hpp"

namespace otfleet::kernels {

/// Views of results that the caller keeps.
template <class Scalar>
Conjugates<DeviceSpace, Scalar> view_of(const ConjugateResult<Scalar>& result) {
  Conjugates<DeviceSpace, Scalar> views;
  views.value = view_of(result.value);
  views.residual = view_of(result.residual);
  views.start_residual = view_of(result.start_residual);
  views.steps = view_of(result.steps);
  views.evaluations = view_of(result.evaluations);
  views.status = view_of(result.status);
  views.end = view_of(result.end);
  views.bow = view_of(result.bow);
  return views;
}

}  // namespace otfleet::kernels
