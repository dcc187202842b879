#pragma once
#include <memory>
#include <stdexcept>
#include <string>
#include <variant>

#include "kernels/api/problems.hpp"
#include "kernels/device_views.hpp"
#include "kernels/geometry/point_cloud_cost.hpp"
#include "kernels/operators/side.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/problem_batch.hpp"

// What is behind Problems, for the operations of api/ alone.

namespace otfleet::kernels {

/// Problems on points that all of them share.
struct SharedPointsProblems {
  using Cost = std::variant<SeparableCost, PointCloudCost<DeviceSpace>>;
  std::shared_ptr<const Cost> cost;
  ProblemBatch<DeviceSpace> batch;
  Matrix<const double, DeviceSpace> source_points,
      target_points;  ///< the user's; empty: unknown

  /// A flat array as the matrices of templates.
  template <class T>
  Matrix<T, DeviceSpace> rows(const DeviceArray<T>& flat, int columns, const char* name) const {
    const auto count = static_cast<std::size_t>(batch.size());
    if (flat.size() != count * static_cast<std::size_t>(columns))
      throw std::invalid_argument(std::string(name) + " has " + std::to_string(flat.size()) +
                                  " entries, expected " + std::to_string(count) + " times " +
                                  std::to_string(columns));
    return Matrix<T, DeviceSpace>(flat.data(), count, columns);
  }
  template <class T>
  Matrix<T, DeviceSpace> source_rows(const DeviceArray<T>& flat, const char* name) const {
    return rows(flat, batch.source.points(), name);
  }
  template <class T>
  Matrix<T, DeviceSpace> target_rows(const DeviceArray<T>& flat, const char* name) const {
    return rows(flat, batch.target.points(), name);
  }
  /// A potential: f of the source, g of the target.
  template <class T>
  Matrix<T, DeviceSpace> potential_rows(Side side, const DeviceArray<T>& flat) const {
    return side == Side::source ? source_rows(flat, "f") : target_rows(flat, "g");
  }
};

/// Problems in which every measure has points of its own.
struct OwnPointsProblems {
  CloudBatch<DeviceSpace> batch;
  Matrix<const double, DeviceSpace> source_points, target_points;  ///< the user's
};

struct Problems::State {
  std::variant<SharedPointsProblems, OwnPointsProblems> problems;
};

/// on_shared(problems, cost as its own type) or on_clouds(problems).
template <class OnShared, class OnClouds>
decltype(auto) visit(const Problems& problems, const OnShared& on_shared,
                     const OnClouds& on_clouds) {
  if (const auto* clouds = std::get_if<OwnPointsProblems>(&problems.state().problems))
    return on_clouds(*clouds);
  const auto& shared = std::get<SharedPointsProblems>(problems.state().problems);
  return std::visit([&](const auto& cost) { return on_shared(shared, cost); }, *shared.cost);
}

}  // namespace otfleet::kernels
