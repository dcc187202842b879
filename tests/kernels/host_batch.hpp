#pragma once
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/solvers/newton/newton.hpp"
#include "kernels/solvers/sinkhorn/sinkhorn.hpp"
#include "tests/kernels/reference.hpp"
#include "tests/kernels/test_space.hpp"

// Batches of problems in plain host arrays, and the kernels as functions of them.

namespace otfleet::kernels::test {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

inline constexpr double infinity = std::numeric_limits<double>::infinity();

/// Random numbers that are the same with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  int integer(int low, int high) { return low + static_cast<int>(uniform() * (high - low + 1)); }
  Row uniform_row(int count, double low, double high);
  /// Positive weights with mass 1; about `zero_share` of them are zero, never all.
  Row weights(int count, double zero_share = 0);

 private:
  std::mt19937_64 engine_;
};

/// What a cost can look like to a kernel: one to three axes, square or not, symmetric or not.
enum class Geometry { dense, line, plane, space, rectangular };
inline constexpr Geometry all_geometries[] = {Geometry::dense, Geometry::line, Geometry::plane,
                                              Geometry::space, Geometry::rectangular};
std::string name(Geometry geometry);

/// |x − y|² on random points of the unit interval, square or cube (`dense`: of two clouds in a
/// square); `rectangular`: three axes of random numbers, some of them negative.
SeparableCost random_cost(Random& random, Geometry geometry);

struct HostBatch {
  SeparableCost cost;
  Rows sources = {}, targets = {};
  std::vector<int> source_index = {}, target_index = {};

  int size() const { return static_cast<int>(source_index.size()); }
  /// Appends a problem with measures of its own.
  void add(const Row& a, const Row& b);
  /// The problems `which`, with the measures that they need.
  HostBatch subset(const std::vector<int>& which) const;
};

HostBatch random_batch(Random& random, const SeparableCost& cost, int size, double zero_share = 0);

/// All entries of a cost, row-major.
Row cost_matrix(const SeparableCost& cost);
/// Problem k as the reference sees it.
DenseProblem dense_problem(const HostBatch& batch, int k, double epsilon);
/// The same problems with a cost of one axis.
HostBatch as_dense(const HostBatch& batch);

Matrix<double, Space> on_device(const Rows& rows, int columns);
Rows on_host(const Matrix<const double, Space>& rows);
Vector<int, Space> on_device(const std::vector<int>& values);

SinkhornSettings settings_for(double epsilon, double threshold, int max_iterations);
ProblemBatch<Space> on_device(const HostBatch& batch);

struct Solution {
  Rows f;
  std::vector<int> iterations;
  std::vector<Status> status;
  Rows errors;  ///< NaN where the solver wrote nothing
};

/// Starts from zeros where `start` is null.
template <class Scalar>
Solution solve(const HostBatch& batch, const SinkhornSettings& settings,
               const Rows* start = nullptr, int trace = 0);

Solution solve_newton(const HostBatch& batch, const NewtonSettings& settings,
                      const Rows* start = nullptr);

struct Judgment {
  Rows g;
  Row dual_value, transport_cost, upper_bound, lower_bound, marginal_error;
};
Judgment judge(const HostBatch& batch, double epsilon, const Rows& f);

struct SemiDual {
  Row value;
  Rows gradient;
};
SemiDual evaluate_semi_dual(const HostBatch& batch, double epsilon, const Rows& f);

Rows gaussian_start(const HostBatch& batch, const Rows& source_points, const Rows& target_points);

/// The largest |x − y| after removing the constant in which potentials may differ; infinite where
/// they do not have their −inf at the same points.
double distance_up_to_constant(const Row& x, const Row& y);

}  // namespace otfleet::kernels::test
