#include "kernels/api/barycenters.hpp"

#include <stdexcept>

#include "kernels/api/detail/problems_state.hpp"
#include "kernels/device_views.hpp"
#include "kernels/free_support/free_support.hpp"
#include "kernels/solvers/barycenter/barycenter.hpp"

namespace otfleet::kernels {
namespace {

FreeSupportBatch<DeviceSpace> batch_of(const Problems& measures, const BarycenterSets& sets) {
  const auto* clouds = std::get_if<OwnPointsProblems>(&measures.state().problems);
  if (clouds == nullptr)
    throw std::invalid_argument(
        "barycenters with free support need measures with points of their own");
  return {clouds->batch.source, sets.offsets, sets.measures, sets.weights};
}

FreeSupports<DeviceSpace> supports_of(const FreeSupportResult& result) {
  return {view_of(result.points), view_of(result.weights), view_of(result.f), view_of(result.last)};
}

}  // namespace

struct BarycenterMeasures::State {
  SeparableCost cost;
  Measures<DeviceSpace> measures;
};

BarycenterMeasures::BarycenterMeasures() = default;

BarycenterMeasures::BarycenterMeasures(const SeparableCost& cost, std::span<const double> weights) {
  const auto points = static_cast<std::size_t>(cost.m());
  const DeviceArray<const double, 2> device =
      upload("otfleet::barycenter::measures", weights, weights.size() / points, points);
  state_ = std::make_shared<const State>(
      State{cost, Measures<DeviceSpace>(DeviceSpace(), view_of(device))});
}

int BarycenterMeasures::points() const {
  return state_ ? state_->cost.n() : 0;
}

BarycenterResult::BarycenterResult(int batch, int points, std::int64_t measures)
    : weights("otfleet::barycenter::weights", batch, points),
      f("otfleet::barycenter::potentials", measures, points),
      log_blur("otfleet::barycenter::log_blur", batch, points),
      dual_value("otfleet::barycenter::dual_value", batch),
      mass("otfleet::barycenter::mass", batch),
      residual("otfleet::barycenter::residual", batch),
      iterations("otfleet::barycenter::iterations", batch),
      status("otfleet::barycenter::status", batch) {}

void solve_barycenters(const BarycenterMeasures& measures, const BarycenterSets& sets,
                       const BarycenterSettings& settings, const BarycenterResult& result) {
  if (sets.size() == 0) return;
  const auto index = upload<int>("otfleet::barycenter::index", std::span<const int>(sets.measures));
  const auto weight =
      upload<double>("otfleet::barycenter::weight", std::span<const double>(sets.weights));
  BarycenterBatch<DeviceSpace> batch;
  batch.measures = measures.state().measures;
  batch.offsets = sets.offsets;
  batch.index = view_of(index);
  batch.weight = view_of(weight);
  BarycenterSolution<DeviceSpace> solution;
  solution.barycenter = view_of(result.weights);
  solution.f = view_of(result.f);
  solution.log_blur = view_of(result.log_blur);
  solution.dual_value = view_of(result.dual_value);
  solution.mass = view_of(result.mass);
  solution.residual = view_of(result.residual);
  solution.iterations = view_of(result.iterations);
  solution.status = view_of(result.status);
  solve_barycenters<DeviceSpace>(DeviceSpace(), measures.state().cost, batch, settings, solution);
}

std::vector<std::int64_t> free_support_offsets(const Problems& measures,
                                               const BarycenterSets& sets) {
  return batch_of(measures, sets).potential_offsets();
}

void solve_free_supports(const Problems& measures, const BarycenterSets& sets,
                         const FreeSupportSettings& settings, std::span<const std::int32_t> which,
                         const FreeSupportResult& result, FreeSupportProgress& progress) {
  solve_free_supports<DeviceSpace>(DeviceSpace(), batch_of(measures, sets), settings, which,
                                   supports_of(result), progress);
}

FreeSupportFigures certify_free_supports(const Problems& measures, const BarycenterSets& sets,
                                         double epsilon, const FreeSupportResult& result,
                                         const DeviceArray<double, 2>& potentials) {
  return certify_free_supports<DeviceSpace>(DeviceSpace(), batch_of(measures, sets), epsilon,
                                            supports_of(result), view_of(potentials));
}

}  // namespace otfleet::kernels
