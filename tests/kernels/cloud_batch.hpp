#pragma once
#include "kernels/geometry/point_preparation.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"
#include "kernels/outputs/soft_c_transform.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "tests/kernels/host_batch.hpp"

// Problems on clouds of points, and the same problems with their costs as a dense matrix.

namespace otfleet::kernels::test {

/// Every cost of the list; powers of 1.5.
extern const std::vector<GroundCost> tested_costs;
std::string name(const GroundCost& cost);
template <class Cost>
bool is(const GroundCost& cost) {
  return std::holds_alternative<Cost>(cost);
}

struct HostClouds {
  GroundCost cost;
  Rows x, y;
  Rows sources = {}, targets = {};

  void add(const Row& a, const Row& b);
  int size() const { return static_cast<int>(sources.size()); }
};

/// The cost of two points, in long double from its definition; an angle without a divisor from the
/// areas that the points span in every plane of two coordinates.
double ground_cost(const HostClouds& clouds, const Row& x, const Row& y);
/// The same problems with a matrix of costs.
HostBatch as_matrix(const HostClouds& clouds);

/// Points of size 1 in any dimension; on the sphere where the cost wants it.
HostClouds random_clouds(Random& random, const GroundCost& cost, int n, int m, int dimension);
void add_random_problems(Random& random, HostClouds& clouds, int count, double zero_share = 0);

PointCloudCost<Space> on_device(const HostClouds& clouds);
ProblemBatch<Space> problems_on_device(const HostClouds& clouds);

template <class Scalar>
Solution solve(const HostClouds& clouds, const SinkhornSettings& settings,
               const Rows* start = nullptr, int trace = 0);
Judgment judge(const HostClouds& clouds, double epsilon, const Rows& f);
SemiDual evaluate_semi_dual(const HostClouds& clouds, double epsilon, const Rows& f);

}  // namespace otfleet::kernels::test
