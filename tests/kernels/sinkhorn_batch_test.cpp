#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/kernels/host_batch.hpp"
#include "tests/kernels/traps.hpp"

// Many instances in one call: nothing about one may depend on its neighbors.

namespace otfleet::kernels {
namespace {

using namespace test;

// Named paths: `automatic` looks at the smallest weight of the whole call.
constexpr Path both_paths[] = {Path::scaling, Path::extended};

/// Instances that stop at very different times, so that lanes change hands at many iterations.
HostBatch uneven_batch(Random& random, Geometry geometry, int size) {
  HostBatch batch{random_cost(random, geometry)};
  for (int k = 0; k < size; ++k) {
    if (k % 3 == 0) {
      batch.add(random.weights(batch.cost.n(), 0.5), random.weights(batch.cost.m(), 0.5));
    } else {
      batch.add(Row(batch.cost.n(), 1.0 / batch.cost.n()), random.weights(batch.cost.m(), 0));
    }
  }
  return batch;
}

SinkhornSettings uneven_settings(Path path) {
  SinkhornSettings settings;
  settings.epsilon = 0.2;  // safe for scaling in float, too
  settings.threshold = 1e-6;
  settings.max_iterations = 150;
  settings.path = path;
  return settings;
}

/// Bitwise: −inf where −inf, and every number the same.
void expect_same(const Solution& batch, int k, const Solution& alone, int at) {
  EXPECT_EQ(batch.iterations[k], alone.iterations[at]) << "instance " << k;
  EXPECT_EQ(batch.status[k], alone.status[at]) << "instance " << k;
  EXPECT_EQ(batch.f[k], alone.f[at]) << "instance " << k;
  for (std::size_t t = 0; t < batch.errors[k].size(); ++t) {
    const double x = batch.errors[k][t], y = alone.errors[at][t];
    EXPECT_TRUE(x == y || (std::isnan(x) && std::isnan(y))) << "instance " << k << " entry " << t;
  }
}

template <class Scalar>
void every_size_equals_one_by_one() {
  Random random(11);
  for (int size : {0, 1, 7, 8, 9, 16, 17, 100})
    for (Path path : both_paths) {
      SCOPED_TRACE(size);
      const auto batch = uneven_batch(random, all_geometries[size % 5], size);
      const auto together = solve<Scalar>(batch, uneven_settings(path), nullptr, 30);
      ASSERT_EQ(static_cast<int>(together.f.size()), size);
      for (int k = 0; k < size; ++k)
        expect_same(together, k,
                    solve<Scalar>(batch.subset({k}), uneven_settings(path), nullptr, 30), 0);
      if (size < 100) continue;
      const auto [least, most] =
          std::minmax_element(together.iterations.begin(), together.iterations.end());
      EXPECT_GT(*most, *least + 10) << "the batch does not test lanes that change hands";
    }
}

TEST(SinkhornBatch, every_size_equals_one_by_one_in_double) {
  every_size_equals_one_by_one<double>();
}
TEST(SinkhornBatch, every_size_equals_one_by_one_in_float) {
  every_size_equals_one_by_one<float>();
}

TEST(SinkhornBatch, order_of_instances_does_not_matter) {
  Random random(12);
  const int size = 37;
  const auto batch = uneven_batch(random, Geometry::plane, size);
  std::vector<int> order(size);
  std::iota(order.begin(), order.end(), 0);
  for (int k = size - 1; k > 0; --k) std::swap(order[k], order[random.integer(0, k)]);
  for (Path path : both_paths) {
    const auto one = solve<double>(batch, uneven_settings(path), nullptr, 10);
    const auto other = solve<double>(batch.subset(order), uneven_settings(path), nullptr, 10);
    for (int k = 0; k < size; ++k) expect_same(one, order[k], other, k);
  }
}

TEST(SinkhornBatch, given_starts_belong_to_their_instance) {
  Random random(13);
  const int size = 21;
  const auto batch = uneven_batch(random, Geometry::dense, size);
  Rows start;
  for (int k = 0; k < size; ++k) start.push_back(random.uniform_row(batch.cost.n(), -1, 1));
  for (Path path : both_paths) {
    const auto together = solve<double>(batch, uneven_settings(path), &start);
    for (int k = 0; k < size; ++k) {
      const Rows own = {start[k]};
      expect_same(together, k, solve<double>(batch.subset({k}), uneven_settings(path), &own), 0);
    }
  }
}

TEST(SinkhornBatch, instances_share_measures) {
  Random random(14);
  HostBatch shared = random_batch(random, random_cost(random, Geometry::line), 4);
  HostBatch copied{shared.cost};
  shared.source_index.clear();
  shared.target_index.clear();
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) {
      shared.source_index.push_back(i);
      shared.target_index.push_back(3 - j);
      copied.add(shared.sources[i], shared.targets[3 - j]);
    }
  const auto one = solve<double>(shared, uneven_settings(Path::scaling));
  const auto other = solve<double>(copied, uneven_settings(Path::scaling));
  for (int k = 0; k < 16; ++k) expect_same(one, k, other, k);
}

template <class Scalar>
void not_a_number_stays_in_its_lane() {
  const WithoutTraps quiet;
  Random random(15);
  const int size = 20;
  for (Geometry geometry : {Geometry::dense, Geometry::plane})
    for (Path path : both_paths)
      for (int where : {0, -1}) {
        const auto batch = random_batch(random, random_cost(random, geometry), size);
        Rows start;
        for (int k = 0; k < size; ++k) start.push_back(random.uniform_row(batch.cost.n(), -1, 1));
        const auto clean = solve<Scalar>(batch, uneven_settings(path), &start);
        // First or last point: maxima must not drop it, wherever it stands.
        for (int k : {0, 5, 19})
          start[k][where < 0 ? batch.cost.n() - 1 : where] =
              std::numeric_limits<double>::quiet_NaN();
        const auto solution = solve<Scalar>(batch, uneven_settings(path), &start);
        for (int k = 0; k < size; ++k) {
          if (k == 0 || k == 5 || k == 19) {
            EXPECT_EQ(solution.status[k], Status::not_finite) << k;
            EXPECT_EQ(solution.iterations[k], 0) << k;
          } else {
            expect_same(solution, k, clean, k);
          }
        }
      }
}

TEST(SinkhornBatch, not_a_number_stays_in_its_lane_in_double) {
  not_a_number_stays_in_its_lane<double>();
}
TEST(SinkhornBatch, not_a_number_stays_in_its_lane_in_float) {
  not_a_number_stays_in_its_lane<float>();
}

TEST(SinkhornBatch, a_start_that_is_nowhere_finite) {
  const WithoutTraps quiet;
  Random random(16);
  for (double value : {-infinity, infinity, std::numeric_limits<double>::quiet_NaN()})
    for (int n : {1, 4})
      for (Path path : both_paths) {
        const auto cost = SeparableCost::dense(n, 3, random.uniform_row(3 * n, 0, 1));
        const auto batch = random_batch(random, cost, 2);
        const Rows start = {Row(n, value), Row(n, 0.0)};
        const auto solution = solve<double>(batch, uneven_settings(path), &start);
        EXPECT_EQ(solution.status[0], Status::not_finite) << value << " n = " << n;
        EXPECT_EQ(solution.status[1], Status::converged);
      }
}

TEST(SinkhornBatch, not_a_number_at_a_point_without_weight_is_ignored) {
  Random random(17);
  const auto cost = random_cost(random, Geometry::plane);
  HostBatch batch{cost};
  Row a = random.weights(cost.n());
  a[1] = 0;
  batch.add(a, random.weights(cost.m()));
  Rows start = {random.uniform_row(cost.n(), -1, 1)};
  const auto clean = solve<double>(batch, uneven_settings(Path::scaling), &start);
  start[0][1] = std::numeric_limits<double>::quiet_NaN();
  expect_same(solve<double>(batch, uneven_settings(Path::scaling), &start), 0, clean, 0);
}

/// Supports in small boxes of a larger grid: tiles work on the regions that their lanes share,
/// which grow and shrink as lanes change hands. A problem alone has a region of its own.
template <class Scalar>
void regions_do_not_show() {
  Random random(18);
  for (const std::vector<int>& lengths :
       {std::vector<int>{40}, std::vector<int>{13, 17}, std::vector<int>{5, 7, 6}}) {
    std::vector<std::vector<double>> axes;
    int points = 1;
    for (const int length : lengths) {
      points *= length;
      auto& axis = axes.emplace_back();
      for (int i = 0; i < length; ++i) axis.push_back(i / (length - 1.0));
    }
    HostBatch batch{SeparableCost::squared_euclidean_grid(axes)};
    const auto box = [&] {
      std::vector<int> begin, end;
      for (const int length : lengths) {
        begin.push_back(random.integer(0, length - 1));
        end.push_back(random.integer(begin.back() + 1, length));
      }
      Row weights(points, 0.0);
      for (int i = 0; i < points; ++i) {
        bool inside = true;
        for (std::size_t d = lengths.size(), rest = i; d-- > 0; rest /= lengths[d]) {
          const int at = static_cast<int>(rest) % lengths[d];
          inside = inside && at >= begin[d] && at < end[d];
        }
        if (inside) weights[i] = random.uniform(0.1, 1);
      }
      double mass = 0;
      for (const double w : weights) mass += w;
      for (double& w : weights) w /= mass;
      return weights;
    };
    constexpr int size = 37;
    for (int k = 0; k < size; ++k) {
      const Row a = box();
      batch.add(a, box());
    }
    for (Path path : both_paths) {
      const auto together = solve<Scalar>(batch, uneven_settings(path), nullptr, 20);
      for (int k = 0; k < size; ++k)
        expect_same(together, k,
                    solve<Scalar>(batch.subset({k}), uneven_settings(path), nullptr, 20), 0);
    }
  }
}

TEST(SinkhornBatch, regions_do_not_show_in_double) {
  regions_do_not_show<double>();
}
TEST(SinkhornBatch, regions_do_not_show_in_float) {
  regions_do_not_show<float>();
}

}  // namespace
}  // namespace otfleet::kernels
