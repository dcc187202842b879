#pragma once
#include <cmath>

#include "tests/kernels/cloud_batch.hpp"

// Batches of measures with points of their own.

namespace otfleet::kernels::test {

/// A measure: points and their weights.
struct HostMeasure {
  Rows points;
  Row weights;
};

struct HostMeasures {
  GroundCost cost;
  std::vector<HostMeasure> sources = {}, targets = {};
  std::vector<int> source_index = {}, target_index = {};

  int size() const { return static_cast<int>(source_index.size()); }
  void pair(int source, int target) {
    source_index.push_back(source);
    target_index.push_back(target);
  }
  /// Problem k as clouds of its own.
  HostClouds clouds(int k) const {
    const auto &from = sources[source_index[k]], &to = targets[target_index[k]];
    HostClouds result{cost, from.points, to.points};
    result.add(from.weights, to.weights);
    return result;
  }
  DenseProblem problem(int k, double epsilon) const {
    return dense_problem(as_matrix(clouds(k)), 0, epsilon);
  }
};

inline HostMeasure random_measure(Random& random, const GroundCost& cost, int points, int dimension,
                                  double zero_share = 0) {
  return {random_clouds(random, cost, points, 1, dimension).x, random.weights(points, zero_share)};
}

inline Row flat(const Rows& rows) {
  Row result;
  for (const Row& row : rows) result.insert(result.end(), row.begin(), row.end());
  return result;
}

inline Vector<double, Space> on_device(const Row& values) {
  const Vector<double, Space> device("otfleet::test::values", values.size());
  const auto host = Kokkos::create_mirror_view(device);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(device, host);
  return device;
}

inline Row on_host(const Vector<double, Space>& values) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return Row(host.data(), host.data() + host.extent(0));
}

/// The rows of problems out of a flat array.
inline Rows split(const Row& values, const std::vector<std::int64_t>& offsets) {
  Rows rows;
  for (std::size_t k = 0; k + 1 < offsets.size(); ++k)
    rows.emplace_back(values.begin() + offsets[k], values.begin() + offsets[k + 1]);
  return rows;
}

inline Rows all_points(const std::vector<HostMeasure>& measures) {
  Rows points;
  for (const auto& measure : measures)
    points.insert(points.end(), measure.points.begin(), measure.points.end());
  return points;
}

inline CloudMeasures<Space> on_device(const HostMeasures& batch,
                                      const std::vector<HostMeasure>& measures) {
  Row weights;
  std::vector<std::int64_t> offsets = {0};
  for (const auto& measure : measures) {
    weights.insert(weights.end(), measure.weights.begin(), measure.weights.end());
    offsets.push_back(static_cast<std::int64_t>(weights.size()));
  }
  const Rows points = all_points(measures);
  const int dimension = points.empty() ? 1 : static_cast<int>(points.front().size());
  return {Space(), on_device(weights), test::on_device(points, dimension), offsets, batch.cost};
}

inline CloudBatch<Space> on_device(const HostMeasures& batch) {
  return {on_device(batch, batch.sources), on_device(batch, batch.targets), batch.source_index,
          batch.target_index};
}

template <class Scalar>
Solution solve(const HostMeasures& batch, const SinkhornSettings& settings,
               const Rows* start = nullptr, int trace = 0, const IterationWatch& watch = {}) {
  const auto problems = on_device(batch);
  const auto offsets = problems.source_offsets();
  const Row nothing(static_cast<std::size_t>(offsets.back()), std::nan(""));
  const auto f = on_device(start ? flat(*start) : nothing);
  const Vector<int, Space> iterations("otfleet::test::iterations", batch.size());
  const Vector<int, Space> status("otfleet::test::status", batch.size());
  const Matrix<double, Space> errors("otfleet::test::errors", batch.size(), trace);
  Kokkos::deep_copy(errors, std::nan(""));
  sinkhorn<Scalar>(Space(), problems, settings, start == nullptr, f, iterations, status, errors, {},
                   watch);
  const auto counts = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), iterations);
  const auto ends = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), status);
  Solution solution{split(on_host(f), offsets), {}, {}, test::on_host(errors)};
  for (int k = 0; k < batch.size(); ++k) {
    solution.iterations.push_back(counts(k));
    solution.status.push_back(static_cast<Status>(ends(k)));
  }
  return solution;
}

inline Judgment judge(const HostMeasures& batch, double epsilon, const Rows& f) {
  const auto problems = on_device(batch);
  const auto offsets = problems.target_offsets();
  const Certificates<Space> found(batch.size());
  const Vector<double, Space> g("otfleet::test::g", offsets.back());
  certify<Space>(Space(), problems, epsilon, on_device(flat(f)), g, found);
  return {split(on_host(g), offsets), on_host(found.dual_value),  on_host(found.transport_cost),
          on_host(found.upper_bound), on_host(found.lower_bound), on_host(found.marginal_error)};
}

}  // namespace otfleet::kernels::test
