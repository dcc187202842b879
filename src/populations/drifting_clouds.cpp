#include "src/populations/drifting_clouds.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/counter_random.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/populations/sequences.hpp"

namespace otfleet {
namespace {

// Never change these: they are part of what a seed means.
constexpr std::uint64_t first_stream = 101;  // and those after it, two a motion

/// Numbers of one stream, in order.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t stream) : random_(seed, stream) {}

  double uniform() { return random_.uniform(counter_++); }
  /// A unit vector, uniform on the sphere.
  std::vector<double> direction(std::int64_t dimension) {
    std::vector<double> vector;
    double square = 0;
    for (std::int64_t c = 0; c < dimension; ++c) {
      // 1 − u: the logarithm of 0 is none.
      const double radius = std::sqrt(-2 * std::log(1 - uniform()));
      vector.push_back(radius * std::cos(2 * std::numbers::pi * uniform()));
      square += vector.back() * vector.back();
    }
    const double length = square > 0 ? std::sqrt(square) : 1;
    for (double& coordinate : vector) coordinate /= length;
    return vector;
  }

 private:
  kernels::CounterRandom random_;
  std::uint64_t counter_ = 0;
};

void add_cloud(CloudTable& table, const std::vector<double>& points, std::int64_t count) {
  table.points.insert(table.points.end(), points.begin(), points.end());
  table.weights.insert(table.weights.end(), static_cast<std::size_t>(count),
                       1 / static_cast<double>(count));
  table.offsets.push_back(table.offsets.back() + count);
}

/// The steps of one side of one motion.
void add_motion(CloudTable& table, Draws draws, const MakeOptions::Drifting& wanted,
                std::int64_t steps) {
  const auto d = static_cast<std::size_t>(wanted.dimension);
  std::vector<double> points;
  for (std::int64_t i = 0; i < wanted.points * wanted.dimension; ++i)
    points.push_back(draws.uniform());
  const auto common = draws.direction(wanted.dimension);
  for (std::int64_t step = 0; step < steps; ++step) {
    if (step > 0)
      for (std::size_t i = 0; i < points.size(); i += d) {
        const auto own = draws.direction(wanted.dimension);
        for (std::size_t c = 0; c < d; ++c) points[i + c] += wanted.step / 2 * (common[c] + own[c]);
      }
    add_cloud(table, points, wanted.points);
  }
}

}  // namespace

CloudPopulation build_drifting_clouds(const Job& job) {
  const auto& wanted = job.make.drifting;
  CloudPopulation population;
  population.ground_cost = with_parameters(*job.problem.cost, job.problem.cost_parameters);
  population.dimension = wanted.dimension;
  population.shared_measures = false;
  const std::int64_t problems = job.make.test_problems;
  const auto motions =
      sequence_offsets(equal_sequences(problems, job.make.length_of_sequences(problems)));
  for (std::size_t s = 0; s + 1 < motions.size(); ++s)
    for (const bool source : {true, false})
      add_motion(source ? population.sources : population.targets,
                 Draws(static_cast<std::uint64_t>(job.seed),
                       first_stream + 2 * static_cast<std::uint64_t>(s) + (source ? 0 : 1)),
                 wanted, motions[s + 1] - motions[s]);
  for (const auto* table : {&population.sources, &population.targets})
    check_cost_takes("make.drifting:", population.ground_cost, table->points, wanted.dimension,
                     "point");
  return population;
}

}  // namespace otfleet
