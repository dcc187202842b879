#include "kernels/api/problems.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "kernels/api/detail/problems_state.hpp"
#include "kernels/host_values.hpp"
#include "kernels/problems/segment_copy.hpp"

namespace otfleet::kernels {
namespace {

using Values = Matrix<const double, DeviceSpace>;

using HostRows = Kokkos::View<const double**, Kokkos::LayoutRight, Kokkos::HostSpace>;

/// The host's values [·, columns] without a copy.
HostRows on_host(std::span<const double> values, std::int64_t columns) {
  if (columns < 1 || values.size() % static_cast<std::size_t>(columns) != 0)
    throw std::invalid_argument(std::to_string(values.size()) + " numbers do not fill rows of " +
                                std::to_string(columns));
  return HostRows(values.data(), values.size() / static_cast<std::size_t>(columns),
                  static_cast<std::size_t>(columns));
}

Values copied(std::span<const double> values, std::int64_t columns) {
  if (values.empty()) return {};
  const auto host = on_host(values, columns);
  const Matrix<double, DeviceSpace> device(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::problems::values"), host.extent(0),
      host.extent(1));
  Kokkos::deep_copy(device, host);
  return device;
}

/// Where the device is the host, the memory that the values have already.
Values mirrored(std::span<const double> values, std::int64_t columns) {
  return Kokkos::create_mirror_view_and_copy(DeviceSpace::memory_space(), on_host(values, columns),
                                             "otfleet::problems::points");
}
Vector<const double, DeviceSpace> mirrored(std::span<const double> values) {
  return Kokkos::create_mirror_view_and_copy(
      DeviceSpace::memory_space(),
      Kokkos::View<const double*, Kokkos::HostSpace>(values.data(), values.size()),
      "otfleet::problems::weights");
}

/// Points of a side of n points, if they are known.
Values points_of(const SharedPointsSide& side, std::int64_t n) {
  if (side.points.empty()) return {};
  return copied(side.points, static_cast<std::int64_t>(side.points.size()) / n);
}

SharedPointsProblems on_shared_points(SharedPointsProblems::Cost cost, std::int64_t n,
                                      std::int64_t m, const SharedPointsSide& source,
                                      const SharedPointsSide& target) {
  SharedPointsProblems result;
  result.cost = std::make_shared<const SharedPointsProblems::Cost>(std::move(cost));
  const DeviceSpace space;
  const auto measures = [&](const SharedPointsSide& side, std::int64_t points) {
    return Measures<DeviceSpace>(space, copied(side.weights, points));
  };
  result.batch.source = measures(source, n);
  result.batch.target = target.weights.empty() ? result.batch.source : measures(target, m);
  result.source_points = points_of(source, n);
  result.target_points = points_of(target, m);
  return result;
}

std::vector<std::int64_t> equal_offsets(int count, int points) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(count) + 1);
  for (std::size_t k = 0; k < result.size(); ++k) result[k] = static_cast<std::int64_t>(k) * points;
  return result;
}

}  // namespace

Problems::Problems() : state_(std::make_shared<const State>(State{OwnPointsProblems()})) {}

Problems Problems::with_table(const SeparableCost& cost, const SharedPointsSide& source,
                              const SharedPointsSide& target) {
  return Problems(std::make_shared<const State>(
      State{on_shared_points(cost, cost.n(), cost.m(), source, target)}));
}

Problems Problems::between_points(const GroundCost& cost, std::int64_t dimension,
                                  const SharedPointsSide& source, const SharedPointsSide& target) {
  PointCloudCost<DeviceSpace> typed(DeviceSpace(), copied(source.points, dimension),
                                    copied(target.points, dimension), cost);
  const int n = typed.n(), m = typed.m();
  return Problems(std::make_shared<const State>(
      State{on_shared_points(std::move(typed), n, m, source, target)}));
}

Problems Problems::between_clouds(const GroundCost& cost, std::int64_t dimension,
                                  const OwnPointsSide& source, const OwnPointsSide& target) {
  const auto measures = [&](const OwnPointsSide& side, const Values& points) {
    return CloudMeasures<DeviceSpace>(
        DeviceSpace(), mirrored(side.weights), points,
        std::vector<std::int64_t>(side.offsets.begin(), side.offsets.end()), cost);
  };
  OwnPointsProblems result;
  result.source_points = mirrored(source.points, dimension);
  result.batch.source = measures(source, result.source_points);
  const bool shared = target.offsets.empty();
  result.target_points = shared ? result.source_points : mirrored(target.points, dimension);
  result.batch.target = shared ? result.batch.source : measures(target, result.target_points);
  return Problems(std::make_shared<const State>(State{std::move(result)}));
}

Problems Problems::distributed(CloudCommunicator& communicator, const GroundCost& cost,
                               std::int64_t dimension, const DistributedSide& source,
                               const DistributedSide& target) {
  const auto measure = [&](bool is_source, const DistributedSide& side, const Values& points) {
    try {
      return CloudMeasures<DeviceSpace>(DeviceSpace(), communicator, mirrored(side.weights), points,
                                        side.first, cost);
    } catch (const std::invalid_argument& error) {
      const std::string side_name = is_source ? "source " : "target ";
      throw std::invalid_argument(side_name + error.what());
    }
  };
  OwnPointsProblems result;
  result.source_points = mirrored(source.points, dimension);
  result.target_points = mirrored(target.points, dimension);
  result.batch.source = measure(true, source, result.source_points);
  result.batch.target = measure(false, target, result.target_points);
  result.batch.source_index = result.batch.target_index = {0};
  return Problems(std::make_shared<const State>(State{std::move(result)}));
}

Problems Problems::between(std::span<const std::int32_t> sources,
                           std::span<const std::int32_t> targets) const {
  if (sources.size() != targets.size())
    throw std::invalid_argument("a batch needs as many source as target indices");
  State state = *state_;
  if (auto* clouds = std::get_if<OwnPointsProblems>(&state.problems)) {
    clouds->batch.source_index.assign(sources.begin(), sources.end());
    clouds->batch.target_index.assign(targets.begin(), targets.end());
  } else {
    auto& batch = std::get<SharedPointsProblems>(state.problems).batch;
    const auto missing = [](std::span<const std::int32_t> list, int measures) {
      return std::count_if(list.begin(), list.end(),
                           [&](std::int32_t one) { return one < 0 || one >= measures; });
    };
    const auto wrong =
        missing(sources, batch.source.count()) + missing(targets, batch.target.count());
    if (wrong > 0)
      throw std::invalid_argument(std::to_string(wrong) +
                                  " indices name measures that do not exist");
    batch.indices_checked = true;
    batch.source_index = copy_to_device<DeviceSpace>("otfleet::problems::list", sources);
    batch.target_index = copy_to_device<DeviceSpace>("otfleet::problems::list", targets);
  }
  return Problems(std::make_shared<const State>(std::move(state)));
}

Problems Problems::with_shares(const DeviceArray<const double, 2>& sources,
                               const DeviceArray<const double, 2>& targets,
                               double smallest_weight) const {
  State state = *state_;
  auto* shared = std::get_if<SharedPointsProblems>(&state.problems);
  if (shared == nullptr)
    throw std::invalid_argument("measures without points need points that all problems share");
  using Rows = Measures<DeviceSpace>;
  shared->batch.source = Rows::of_shares(view_of(sources), smallest_weight);
  shared->batch.target = Rows::of_shares(view_of(targets), smallest_weight);
  std::vector<std::int32_t> rows(sources.extent(0));
  std::iota(rows.begin(), rows.end(), 0);
  return Problems(std::make_shared<const State>(std::move(state))).between(rows, rows);
}

Problems Problems::select(std::span<const std::int32_t> which) const {
  const auto chosen = [&](const auto& all) {
    std::vector<std::int32_t> some;
    for (const std::int32_t k : which) some.push_back(all[static_cast<std::size_t>(k)]);
    return some;
  };
  if (const auto* clouds = std::get_if<OwnPointsProblems>(&state_->problems))
    return between(chosen(clouds->batch.source_index), chosen(clouds->batch.target_index));
  const auto& batch = std::get<SharedPointsProblems>(state_->problems).batch;
  const auto sources = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), batch.source_index);
  const auto targets = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), batch.target_index);
  return between(chosen(sources), chosen(targets));
}

int Problems::size() const {
  return std::visit([](const auto& typed) { return typed.batch.size(); }, state_->problems);
}

std::vector<std::int64_t> Problems::source_offsets() const {
  if (const auto* clouds = std::get_if<OwnPointsProblems>(&state_->problems))
    return clouds->batch.source_offsets();
  return equal_offsets(size(),
                       std::get<SharedPointsProblems>(state_->problems).batch.source.points());
}

std::vector<std::int64_t> Problems::target_offsets() const {
  if (const auto* clouds = std::get_if<OwnPointsProblems>(&state_->problems))
    return clouds->batch.target_offsets();
  return equal_offsets(size(),
                       std::get<SharedPointsProblems>(state_->problems).batch.target.points());
}

bool Problems::has_clouds() const {
  return std::holds_alternative<OwnPointsProblems>(state_->problems);
}

const SeparableCost* Problems::table() const {
  const auto* shared = std::get_if<SharedPointsProblems>(&state_->problems);
  return shared == nullptr ? nullptr : std::get_if<SeparableCost>(shared->cost.get());
}

DeviceArray<const double, 2> Problems::source_weights() const {
  const auto* shared = std::get_if<SharedPointsProblems>(&state_->problems);
  if (shared == nullptr) return {};
  return array_of(shared->batch.source.weights);
}

DeviceArray<const double, 2> Problems::target_weights() const {
  const auto* shared = std::get_if<SharedPointsProblems>(&state_->problems);
  if (shared == nullptr) return {};
  return array_of(shared->batch.target.weights);
}

void gather_problems(const std::vector<std::int64_t>& offsets, std::span<const std::int32_t> which,
                     const DeviceArray<const double>& all, const DeviceArray<double>& some) {
  Segments<DeviceSpace>(offsets, which).gather(DeviceSpace(), all, some);
}

void scatter_problems(const std::vector<std::int64_t>& offsets, std::span<const std::int32_t> which,
                      const DeviceArray<const double>& some, const DeviceArray<double>& all) {
  Segments<DeviceSpace>(offsets, which).scatter(DeviceSpace(), some, all);
}

}  // namespace otfleet::kernels
