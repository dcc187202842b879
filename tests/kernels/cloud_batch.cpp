#include "tests/kernels/cloud_batch.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

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

/// The square of the k-support norm (Argyriou et al. 2012, proposition 2.1): the one r that fits.
long double squared_overlap_norm(std::vector<long double> lengths, int k) {
  lengths.resize(std::max<std::size_t>(lengths.size(), static_cast<std::size_t>(k)), 0);
  std::sort(lengths.rbegin(), lengths.rend());
  for (int r = 0; r < k; ++r) {
    const auto begin = lengths.begin() + (k - r - 1);
    const long double rest = std::accumulate(begin, lengths.end(), 0.0L);
    const bool above = r + 1 == k || *(begin - 1) > rest / (r + 1);
    if (!above || rest / (r + 1) < *begin) continue;
    const long double head = std::inner_product(lengths.begin(), begin, lengths.begin(), 0.0L);
    return head + rest * rest / (r + 1);
  }
  throw std::logic_error("no r fits");
}

}  // namespace

const std::vector<GroundCost> tested_costs = [] {
  auto all = all_ground_costs();
  for (GroundCost& cost : all) {
    if (is<PowerCost>(cost)) cost = PowerCost(1.5);
    if (is<ElasticCost>(cost)) cost = ElasticCost(0.3, 0.2);
  }
  return all;
}();

std::string name(const GroundCost& cost) {
  return name_of(cost);
}

void HostClouds::add(const Row& a, const Row& b) {
  sources.push_back(a);
  targets.push_back(b);
}

double ground_cost(const HostClouds& clouds, const Row& x, const Row& y) {
  long double product = 0, left = 0, right = 0, squared = 0, areas = 0, total = 0, most = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const long double from = x[k], to = y[k];
    product += from * to;
    left += from * from;
    right += to * to;
    squared += (from - to) * (from - to);
    total += std::abs(from - to);
    most = std::max(most, std::abs(from - to));
    for (std::size_t c = 0; c < k; ++c) {
      const long double area = from * y[c] - x[c] * to;
      areas += area * area;
    }
  }
  const GroundCost& cost = clouds.cost;
  if (const auto* elastic = std::get_if<ElasticCost>(&cost))
    return static_cast<double>(squared / 2 + elastic->l1 * total +
                               elastic->l2 * std::sqrt(squared));
  if (const auto* overlap = std::get_if<KOverlapCost>(&cost)) {
    std::vector<long double> lengths;
    for (std::size_t k = 0; k < x.size(); ++k)
      lengths.push_back(std::abs(static_cast<long double>(x[k]) - static_cast<long double>(y[k])));
    const auto norm = squared_overlap_norm(lengths, static_cast<int>(overlap->count));
    return static_cast<double>((squared + overlap->strength * norm) / 2);
  }
  if (is<SquaredEuclideanCost>(cost)) return static_cast<double>(squared);
  if (is<EuclideanCost>(cost)) return static_cast<double>(std::sqrt(squared));
  if (const auto* power = std::get_if<PowerCost>(&cost))
    return static_cast<double>(std::pow(squared, static_cast<long double>(power->power) / 2));
  if (is<CosineCost>(cost))
    return static_cast<double>(1 - product / (std::sqrt(left) * std::sqrt(right)));
  if (const auto* circle = std::get_if<GreatCircleCost>(&cost)) {
    if (circle->divisor == 1) return static_cast<double>(std::atan2(std::sqrt(areas), product));
    return static_cast<double>(
        std::acos(product / (std::sqrt(left) * std::sqrt(right) * circle->divisor)));
  }
  if (is<ManhattanCost>(cost)) return static_cast<double>(total);
  if (is<ChebyshevCost>(cost)) return static_cast<double>(most);
  throw std::logic_error("no reference for cost " + name(cost));
}

HostBatch as_matrix(const HostClouds& clouds) {
  Row values;
  for (const Row& x : clouds.x)
    for (const Row& y : clouds.y) values.push_back(ground_cost(clouds, x, y));
  HostBatch batch{SeparableCost::dense(static_cast<int>(clouds.x.size()),
                                       static_cast<int>(clouds.y.size()), values)};
  for (int k = 0; k < clouds.size(); ++k) batch.add(clouds.sources[k], clouds.targets[k]);
  return batch;
}

HostClouds random_clouds(Random& random, const GroundCost& cost, int n, int m, int dimension) {
  const auto points = [&](int count) {
    Rows rows;
    for (int i = 0; i < count; ++i) {
      rows.push_back(random.uniform_row(dimension, -1, 1));
      double norm = 0;
      for (double c : rows.back()) norm += c * c;
      const double size = is<GreatCircleCost>(cost) ? norm : dimension;
      for (double& c : rows.back()) c /= std::sqrt(size);
    }
    return rows;
  };
  HostClouds clouds{cost, points(n), points(m)};
  return clouds;
}

void add_random_problems(Random& random, HostClouds& clouds, int count, double zero_share) {
  for (int k = 0; k < count; ++k) {
    const Row a = random.weights(static_cast<int>(clouds.x.size()), zero_share);
    clouds.add(a, random.weights(static_cast<int>(clouds.y.size()), zero_share));
  }
}

PointCloudCost<Space> on_device(const HostClouds& clouds) {
  return {Space(), on_device(clouds.x, static_cast<int>(clouds.x.front().size())),
          on_device(clouds.y, static_cast<int>(clouds.y.front().size())), clouds.cost};
}

ProblemBatch<Space> problems_on_device(const HostClouds& clouds) {
  std::vector<int> index(clouds.sources.size());
  std::iota(index.begin(), index.end(), 0);
  return {{Space(), on_device(clouds.sources, static_cast<int>(clouds.x.size()))},
          {Space(), on_device(clouds.targets, static_cast<int>(clouds.y.size()))},
          on_device(index),
          on_device(index)};
}

template <class Scalar>
Solution solve(const HostClouds& clouds, const SinkhornSettings& settings, const Rows* start,
               int trace) {
  // Without a start, what f holds on entry must not matter.
  const int n = static_cast<int>(clouds.x.size());
  const Row nothing(n, std::numeric_limits<double>::quiet_NaN());
  const auto f = on_device(start ? *start : Rows(clouds.size(), nothing), n);
  const Vector<int, Space> iterations("otfleet::test::iterations", clouds.size());
  const Vector<int, Space> status("otfleet::test::status", clouds.size());
  const Matrix<double, Space> errors("otfleet::test::errors", clouds.size(), trace);
  Kokkos::deep_copy(errors, std::numeric_limits<double>::quiet_NaN());
  sinkhorn<Scalar>(Space(), on_device(clouds), problems_on_device(clouds), settings,
                   start == nullptr, f, iterations, status, errors);
  Solution solution{test::on_host(f), on_host(iterations), {}, test::on_host(errors)};
  for (int value : on_host(status)) solution.status.push_back(static_cast<Status>(value));
  return solution;
}
template Solution solve<float>(const HostClouds&, const SinkhornSettings&, const Rows*, int);
template Solution solve<double>(const HostClouds&, const SinkhornSettings&, const Rows*, int);

Judgment judge(const HostClouds& clouds, double epsilon, const Rows& f) {
  const Certificates<Space> found(clouds.size());
  const Matrix<double, Space> g("otfleet::test::g", clouds.size(), clouds.y.size());
  certify<Space>(Space(), on_device(clouds), problems_on_device(clouds), epsilon,
                 on_device(f, static_cast<int>(clouds.x.size())), g, found);
  return {test::on_host(g),           on_host(found.dual_value),  on_host(found.transport_cost),
          on_host(found.upper_bound), on_host(found.lower_bound), on_host(found.marginal_error)};
}

SemiDual evaluate_semi_dual(const HostClouds& clouds, double epsilon, const Rows& f) {
  const int n = static_cast<int>(clouds.x.size());
  const Vector<double, Space> value("otfleet::test::value", clouds.size());
  const Matrix<double, Space> slope("otfleet::test::gradient", clouds.size(), n);
  semi_dual<Space>(Space(), on_device(clouds), problems_on_device(clouds), epsilon, on_device(f, n),
                   value, slope);
  return {on_host(value), test::on_host(slope)};
}

}  // namespace otfleet::kernels::test
