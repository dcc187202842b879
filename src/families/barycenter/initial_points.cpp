#include "src/families/barycenter/initial_points.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "kernels/counter_random.hpp"

namespace otfleet {
namespace {

// Never change this: it is part of what a seed means.
constexpr std::uint64_t initial_stream = 2003;

/// Points of all measures of a problem, and their weights.
struct PooledPoints {
  std::vector<const double*> at;
  std::vector<double> weight;

  PooledPoints(const FreeSupportPopulation& population, std::int64_t problem) {
    const auto& sets = population.sets;
    const auto& measures = population.measures;
    for (auto entry = static_cast<std::size_t>(sets.offsets[problem]);
         entry < static_cast<std::size_t>(sets.offsets[problem + 1]); ++entry) {
      const std::int32_t measure = sets.measures[entry];
      const auto first = measures.weights.begin() + measures.offsets[measure],
                 last = measures.weights.begin() + measures.offsets[measure + 1];
      const double mass = std::accumulate(first, last, 0.0);
      for (std::int64_t row = measures.offsets[measure]; row < measures.offsets[measure + 1];
           ++row) {
        const double share = sets.weight(entry) * (measures.weights[row] / mass);
        if (!(share > 0)) continue;
        at.push_back(&measures.points[row * population.dimension]);
        weight.push_back(share);
      }
    }
  }
};

/// The first index up to which the values make up a share of their sum; one with a value > 0. The
/// number of values where all are 0.
std::size_t index_at(const std::vector<double>& values, double share) {
  const double wanted = share * std::accumulate(values.begin(), values.end(), 0.0);
  std::size_t found = values.size();
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] > 0)) continue;
    found = i;
    sum += values[i];
    if (sum > wanted) break;
  }
  return found;
}

}  // namespace

std::vector<double> draw_initial_points(const FreeSupportPopulation& population,
                                        std::int64_t problem, std::int64_t count,
                                        std::int64_t seed) {
  const PooledPoints pooled(population, problem);
  const auto d = static_cast<std::size_t>(population.dimension);
  const kernels::CounterRandom random(static_cast<std::uint64_t>(seed), initial_stream);
  // Draws of problem k are numbered from k · 2^32 on, three a point.
  std::uint64_t draw = static_cast<std::uint64_t>(problem) << 32;
  std::vector<double> chosen, chances = pooled.weight;
  std::vector<double> nearest(pooled.at.size(), std::numeric_limits<double>::max());
  std::size_t different = 0;
  for (std::int64_t i = 0; i < count; ++i, draw += 3) {
    const std::size_t one = index_at(chances, random.uniform(draw));
    if (one == chances.size()) {
      const auto a = random.below(different, draw), b = random.below(different, draw + 1);
      const double t = random.uniform(draw + 2);
      for (std::size_t c = 0; c < d; ++c)
        chosen.push_back((1 - t) * chosen[a * d + c] + t * chosen[b * d + c]);
      continue;
    }
    ++different;
    const double* const x = pooled.at[one];
    chosen.insert(chosen.end(), x, x + d);
    for (std::size_t j = 0; j < pooled.at.size(); ++j) {
      double square = 0;
      for (std::size_t c = 0; c < d; ++c)
        square += (pooled.at[j][c] - x[c]) * (pooled.at[j][c] - x[c]);
      nearest[j] = std::min(nearest[j], square);
      chances[j] = pooled.weight[j] * nearest[j];
    }
  }
  return chosen;
}

}  // namespace otfleet
