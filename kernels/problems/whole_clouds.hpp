#pragma once
#include <cstdint>

#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/share_rows.hpp"

// A distributed problem with all its points on every rank: for solvers whose memory of order n + m
// each rank has, and whose work alone is shared.

namespace otfleet::kernels {

/// Points begin … begin + count − 1 of `total` are this rank's.
struct OwnPoints {
  std::int64_t begin = 0, count = 0, total = 0;
};

template <class ExecutionSpace>
struct WholeClouds {
  CloudBatch<ExecutionSpace> batch;           ///< without communicator
  CloudCommunicator* communicator = nullptr;  ///< who has the same batch; null: nobody else
  OwnPoints source, target;
};

/// values [own.count] of every rank, in order; the same array where nobody else has any.
/// Collective.
template <class ExecutionSpace>
Vector<double, ExecutionSpace> gather_values(const ExecutionSpace& space,
                                             CloudCommunicator* communicator, const OwnPoints& own,
                                             const Vector<const double, ExecutionSpace>& values,
                                             int per_point = 1) {
  const auto at = [&](std::int64_t point) { return static_cast<std::size_t>(point * per_point); };
  const Vector<double, ExecutionSpace> all(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::clouds::gathered"), at(own.total));
  const std::size_t begin = at(own.begin), end = at(own.begin + own.count);
  Kokkos::deep_copy(space, Kokkos::subview(all, std::make_pair(begin, end)), values);
  if (communicator) share_rows(space, *communicator, begin, end, all);
  space.fence();
  return all;
}

/// This rank's part of values [own.total].
template <class ExecutionSpace>
void take_own(const ExecutionSpace& space, const OwnPoints& own,
              const Vector<double, ExecutionSpace>& all,
              const Vector<double, ExecutionSpace>& values) {
  const auto begin = static_cast<std::size_t>(own.begin);
  Kokkos::deep_copy(
      space, values,
      Kokkos::subview(all, std::make_pair(begin, begin + static_cast<std::size_t>(own.count))));
  space.fence();
}

template <class ExecutionSpace>
void multiply(const ExecutionSpace& space, const Vector<double, ExecutionSpace>& values,
              double by) {
  Kokkos::parallel_for(
      "otfleet::clouds::multiply", Kokkos::RangePolicy<ExecutionSpace>(space, 0, values.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { values(i) *= by; });
}

/// One side of a distributed problem, all its points; the measures as they are where nobody else
/// has any. `own` becomes what of them is this rank's. Collective.
template <class ExecutionSpace>
CloudMeasures<ExecutionSpace> gather_measures(const ExecutionSpace& space,
                                              const CloudMeasures<ExecutionSpace>& measures,
                                              OwnPoints& own) {
  CloudCommunicator* const communicator = measures.communicator();
  own = {measures.first_point(), measures.offsets().back(), measures.offsets().back()};
  if (!communicator) return measures;
  own.total = static_cast<std::int64_t>(measures.all_points());
  const int d = measures.dimension();
  const auto& given = measures.points();
  const Vector<const double, ExecutionSpace> flat(given.data(), given.size());
  const auto points = gather_values(space, communicator, own, flat, d);
  const auto weights = gather_values(space, communicator, own, measures.weights());
  multiply(space, weights, measures.masses().front());
  const Matrix<double, ExecutionSpace> copy(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::clouds::gathered_points"),
      static_cast<std::size_t>(own.total), static_cast<std::size_t>(d));
  Kokkos::deep_copy(space, Vector<double, ExecutionSpace>(copy.data(), copy.size()), points);
  space.fence();
  return CloudMeasures<ExecutionSpace>(space, weights, copy, {0, own.total},
                                       measures.ground_cost());
}

/// Collective where measures are distributed; else the batch as it is.
template <class ExecutionSpace>
WholeClouds<ExecutionSpace> gather_clouds(const ExecutionSpace& space,
                                          const CloudBatch<ExecutionSpace>& problems) {
  WholeClouds<ExecutionSpace> whole;
  whole.communicator = problems.source.communicator();
  whole.batch = problems;
  whole.batch.source = gather_measures(space, problems.source, whole.source);
  whole.batch.target = gather_measures(space, problems.target, whole.target);
  return whole;
}

}  // namespace otfleet::kernels
