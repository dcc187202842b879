#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/free_support/free_support.hpp"
#include "kernels/geometry/point_preparation.hpp"
#include "kernels/problems/cloud_batch.hpp"
#include "kernels/problems/exponents.hpp"
#include "kernels/problems/segment_copy.hpp"

namespace otfleet::kernels {

/// [count + 1], from 0 in steps of `length`.
inline std::vector<std::int64_t> multiples(int count, std::int64_t length) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(count) + 1);
  for (std::size_t k = 0; k < result.size(); ++k) result[k] = static_cast<std::int64_t>(k) * length;
  return result;
}

/// A transport from a measure to its problem's barycenter, for all measures of some problems.
struct BarycenterTransports {
  std::vector<int> problem, measure;  ///< [transports]; problem: a place in the list
  std::vector<double> share;          ///< the weight in the mean
  std::vector<std::int64_t> begin;    ///< [list + 1]: those of a problem

  template <class ExecutionSpace>
  BarycenterTransports(const FreeSupportBatch<ExecutionSpace>& problems,
                       const std::vector<int>& list)
      : begin{0} {
    for (std::size_t a = 0; a < list.size(); ++a) {
      const auto first = static_cast<std::size_t>(problems.offsets[list[a]]),
                 last = static_cast<std::size_t>(problems.offsets[list[a] + 1]);
      double sum = 0;
      for (std::size_t at = first; at < last; ++at) sum += problems.weight[at];
      for (std::size_t at = first; at < last; ++at) {
        problem.push_back(static_cast<int>(a));
        measure.push_back(problems.index[at]);
        share.push_back(problems.weight[at] / sum);
      }
      begin.push_back(static_cast<std::int64_t>(problem.size()));
    }
  }
};

/// Some problems of a batch: their points and potentials, gathered, and their transports.
template <class ExecutionSpace>
struct FreeSupportGroup {
  std::vector<int> list;  ///< problems of the batch
  BarycenterTransports transports;
  Segments<ExecutionSpace> point_parts, weight_parts, potential_parts;
  Matrix<double, ExecutionSpace> points, last;  ///< [list · n, d]
  Vector<double, ExecutionSpace> f;
  CloudBatch<ExecutionSpace> batch;  ///< from measures to barycenters

  FreeSupportGroup(const ExecutionSpace& space, const FreeSupportBatch<ExecutionSpace>& problems,
                   const FreeSupports<ExecutionSpace>& supports, std::vector<int> chosen,
                   double epsilon)
      : list(std::move(chosen)),
        transports(problems, list),
        point_parts(multiples(problems.size(), points_of(supports) * dimension_of(supports)),
                    std::span<const int>(list)),
        weight_parts(multiples(problems.size(), points_of(supports)), std::span<const int>(list)),
        potential_parts(problems.potential_offsets(), std::span<const int>(list)),
        points(Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::free_support::points"),
               weight_parts.size(), supports.points.extent(1)),
        last(Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::free_support::last"),
             weight_parts.size(), supports.points.extent(1)),
        f(Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::free_support::potentials"),
          potential_parts.size()) {
    const Vector<double, ExecutionSpace> weights(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "otfleet::free_support::weights"),
        weight_parts.size());
    point_parts.gather(space, supports.points, points);
    point_parts.gather(space, supports.last, last);
    weight_parts.gather(space, supports.weights, weights);
    potential_parts.gather(space, supports.f, f);
    batch = {problems.measures,
             CloudMeasures<ExecutionSpace>(space, weights, points, weight_parts.begins(),
                                           problems.measures.ground_cost()),
             transports.measure, transports.problem};
    for (std::size_t t = 0; t < transports.measure.size(); ++t) {
      const double reach =
          problems.measures.reach(transports.measure[t], batch.target, transports.problem[t]);
      const std::string name = "problem " + std::to_string(list[transports.problem[t]]) + ": ";
      check_bound(name, reach * reach);
      check_exponents(name, reach * reach, epsilon);
    }
  }

  static std::int64_t points_of(const FreeSupports<ExecutionSpace>& supports) {
    return static_cast<std::int64_t>(supports.weights.extent(1));
  }
  static std::int64_t dimension_of(const FreeSupports<ExecutionSpace>& supports) {
    return static_cast<std::int64_t>(supports.points.extent(1));
  }
};

}  // namespace otfleet::kernels
