#include "tests/kernels/host_batch.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/initializers/gaussian.hpp"
#include "kernels/outputs/certificate.hpp"
#include "kernels/outputs/semi_dual.hpp"

namespace otfleet::kernels::test {
namespace {

Row on_host(const Vector<double, Space>& values) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return Row(host.data(), host.data() + host.extent(0));
}

std::vector<int> on_host(const Vector<int, Space>& values) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  return std::vector<int>(host.data(), host.data() + host.extent(0));
}

Row squared_distances(const Row& x, const Row& y) {
  Row values;
  for (double from : x)
    for (double to : y) values.push_back((from - to) * (from - to));
  return values;
}

}  // namespace

Row Random::uniform_row(int count, double low, double high) {
  Row row(count);
  for (double& x : row) x = uniform(low, high);
  return row;
}

Row Random::weights(int count, double zero_share) {
  Row row = uniform_row(count, 0.05, 1);
  for (double& w : row)
    if (uniform() < zero_share) w = 0;
  row[integer(0, count - 1)] = uniform(0.5, 1);
  double mass = 0;
  for (double w : row) mass += w;
  for (double& w : row) w /= mass;
  return row;
}

std::string name(Geometry geometry) {
  constexpr const char* names[] = {"dense", "line", "plane", "space", "rectangular"};
  return names[static_cast<int>(geometry)];
}

SeparableCost random_cost(Random& random, Geometry geometry) {
  if (geometry == Geometry::dense) {
    const int n = random.integer(2, 14), m = random.integer(2, 14);
    const Row x = random.uniform_row(n, 0, 1), y = random.uniform_row(m, 0, 1);
    const Row z = random.uniform_row(n, 0, 1), w = random.uniform_row(m, 0, 1);
    Row values = squared_distances(x, y), more = squared_distances(z, w);
    for (std::size_t at = 0; at < values.size(); ++at) values[at] += more[at];
    return SeparableCost::dense(n, m, values);
  }
  if (geometry == Geometry::rectangular) {
    std::vector<AxisCost> axes;
    for (int d = 0; d < 3; ++d) {
      const int n = random.integer(d == 0 ? 2 : 1, 4), m = random.integer(d == 0 ? 2 : 1, 4);
      axes.push_back({n, m, random.uniform_row(n * m, -0.3, 0.7)});
    }
    return SeparableCost(axes);
  }
  const int dimension = static_cast<int>(geometry);
  constexpr int most_points[] = {0, 16, 5, 4};
  Rows axes;
  for (int d = 0; d < dimension; ++d)
    axes.push_back(random.uniform_row(random.integer(2, most_points[dimension]), 0, 1));
  return SeparableCost::squared_euclidean_grid(axes);
}

void HostBatch::add(const Row& a, const Row& b) {
  source_index.push_back(static_cast<int>(sources.size()));
  target_index.push_back(static_cast<int>(targets.size()));
  sources.push_back(a);
  targets.push_back(b);
}

HostBatch HostBatch::subset(const std::vector<int>& which) const {
  HostBatch result{cost};
  for (int k : which) result.add(sources[source_index[k]], targets[target_index[k]]);
  return result;
}

HostBatch random_batch(Random& random, const SeparableCost& cost, int size, double zero_share) {
  HostBatch batch{cost};
  for (int k = 0; k < size; ++k)
    batch.add(random.weights(cost.n(), zero_share), random.weights(cost.m(), zero_share));
  return batch;
}

Row cost_matrix(const SeparableCost& cost) {
  Row values;
  for (int i = 0; i < cost.n(); ++i)
    for (int j = 0; j < cost.m(); ++j) {
      double sum = 0;
      int rest_i = i, rest_j = j;
      for (std::size_t d = cost.axes().size(); d-- > 0;) {
        const AxisCost& axis = cost.axes()[d];
        sum += axis.values[static_cast<std::size_t>(rest_i % axis.n) * axis.m + rest_j % axis.m];
        rest_i /= axis.n;
        rest_j /= axis.m;
      }
      values.push_back(sum);
    }
  return values;
}

DenseProblem dense_problem(const HostBatch& batch, int k, double epsilon) {
  DenseProblem problem{batch.cost.n(),
                       batch.cost.m(),
                       batch.sources[batch.source_index[k]],
                       batch.targets[batch.target_index[k]],
                       cost_matrix(batch.cost),
                       epsilon};
  double target_mass = 0;
  for (double w : problem.b) target_mass += w;
  for (double& w : problem.b) w *= problem.mass() / target_mass;
  return problem;
}

HostBatch as_dense(const HostBatch& batch) {
  HostBatch result = batch;
  result.cost = SeparableCost::dense(batch.cost.n(), batch.cost.m(), cost_matrix(batch.cost));
  return result;
}

Matrix<double, Space> on_device(const Rows& rows, int columns) {
  Matrix<double, Space> result("otfleet::test::rows", rows.size(), columns);
  const auto host = Kokkos::create_mirror_view(result);
  for (std::size_t k = 0; k < rows.size(); ++k)
    for (int i = 0; i < columns; ++i) host(k, i) = rows[k][i];
  Kokkos::deep_copy(result, host);
  return result;
}

Rows on_host(const Matrix<const double, Space>& rows) {
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rows);
  Rows result(host.extent(0), Row(host.extent(1)));
  for (std::size_t k = 0; k < result.size(); ++k)
    for (std::size_t i = 0; i < result[k].size(); ++i) result[k][i] = host(k, i);
  return result;
}

Vector<int, Space> on_device(const std::vector<int>& values) {
  Vector<int, Space> result("otfleet::test::values", values.size());
  const auto host = Kokkos::create_mirror_view(result);
  std::copy(values.begin(), values.end(), host.data());
  Kokkos::deep_copy(result, host);
  return result;
}

SinkhornSettings settings_for(double epsilon, double threshold, int max_iterations) {
  SinkhornSettings settings;
  settings.epsilon = epsilon;
  settings.threshold = threshold;
  settings.max_iterations = max_iterations;
  return settings;
}

ProblemBatch<Space> on_device(const HostBatch& batch) {
  return {{Space(), on_device(batch.sources, batch.cost.n())},
          {Space(), on_device(batch.targets, batch.cost.m())},
          on_device(batch.source_index),
          on_device(batch.target_index)};
}

template <class Scalar>
Solution solve(const HostBatch& batch, const SinkhornSettings& settings, const Rows* start,
               int trace) {
  // Without a start, what f holds on entry must not matter.
  const Row nothing(batch.cost.n(), std::numeric_limits<double>::quiet_NaN());
  const auto f = on_device(start ? *start : Rows(batch.size(), nothing), batch.cost.n());
  const Vector<int, Space> iterations("otfleet::test::iterations", batch.size());
  const Vector<int, Space> status("otfleet::test::status", batch.size());
  const Matrix<double, Space> errors("otfleet::test::errors", batch.size(), trace);
  Kokkos::deep_copy(iterations, -1);
  Kokkos::deep_copy(status, -1);
  Kokkos::deep_copy(errors, std::numeric_limits<double>::quiet_NaN());
  sinkhorn<Scalar>(Space(), batch.cost, on_device(batch), settings, start == nullptr, f, iterations,
                   status, errors);
  Solution solution{on_host(f), on_host(iterations), {}, on_host(errors)};
  for (int value : on_host(status)) solution.status.push_back(static_cast<Status>(value));
  return solution;
}
template Solution solve<float>(const HostBatch&, const SinkhornSettings&, const Rows*, int);
template Solution solve<double>(const HostBatch&, const SinkhornSettings&, const Rows*, int);

Judgment judge(const HostBatch& batch, double epsilon, const Rows& f) {
  const Certificates<Space> found(batch.size());
  const Matrix<double, Space> g("otfleet::test::g", batch.size(), batch.cost.m());
  certify<Space>(Space(), batch.cost, on_device(batch), epsilon, on_device(f, batch.cost.n()), g,
                 found);
  return {on_host(g),
          on_host(found.dual_value),
          on_host(found.transport_cost),
          on_host(found.upper_bound),
          on_host(found.lower_bound),
          on_host(found.marginal_error)};
}

SemiDual evaluate_semi_dual(const HostBatch& batch, double epsilon, const Rows& f) {
  const Vector<double, Space> value("otfleet::test::value", batch.size());
  const Matrix<double, Space> slope("otfleet::test::gradient", batch.size(), batch.cost.n());
  semi_dual<Space>(Space(), batch.cost, on_device(batch), epsilon, on_device(f, batch.cost.n()),
                   value, slope);
  return {on_host(value), on_host(slope)};
}

Rows gaussian_start(const HostBatch& batch, const Rows& source_points, const Rows& target_points) {
  const int dimension = static_cast<int>(source_points.front().size());
  const Matrix<double, Space> f("otfleet::test::f", batch.size(), batch.cost.n());
  gaussian_initializer<Space>(Space(), on_device(source_points, dimension),
                              on_device(target_points, dimension), on_device(batch), f);
  return on_host(f);
}

double distance_up_to_constant(const Row& x, const Row& y) {
  double low = infinity, high = -infinity;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i] && std::isinf(x[i])) continue;
    const double difference = x[i] - y[i];
    if (!std::isfinite(difference)) return infinity;
    low = std::min(low, difference);
    high = std::max(high, difference);
  }
  return x.size() == y.size() ? std::max(high - low, 0.0) : infinity;
}

Solution solve_newton(const HostBatch& batch, const NewtonSettings& settings, const Rows* start) {
  // Without a start, what f holds on entry must not matter.
  const Row nothing(batch.cost.n(), std::nan(""));
  const auto f = on_device(start ? *start : Rows(batch.size(), nothing), batch.cost.n());
  const auto iterations = on_device(std::vector<int>(batch.size(), -1));
  const auto status = on_device(std::vector<int>(batch.size(), -1));
  newton<Space>(Space(), batch.cost, on_device(batch), settings, start == nullptr, f, iterations,
                status);
  Solution solution{on_host(f), {}, {}, {}};
  const auto counts = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), iterations);
  const auto verdicts = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), status);
  for (int k = 0; k < batch.size(); ++k) {
    solution.iterations.push_back(counts(k));
    solution.status.push_back(static_cast<Status>(verdicts(k)));
  }
  return solution;
}

}  // namespace otfleet::kernels::test
