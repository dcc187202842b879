#include "src/families/conditional_map/cloud_sampler.hpp"

#include <algorithm>

namespace otfleet {
namespace {

constexpr std::uint64_t problem_numbers = 0x70726f626c656d;
constexpr std::uint64_t source_points = 0x736f75726365, target_points = 0x746172676574;

}  // namespace

CloudSampler::CloudSampler(const CloudPopulation& population, std::uint64_t seed)
    : population_(population),
      source_sums_(running_sums(population.sources)),
      target_sums_(running_sums(population.target_table())),
      problems_(seed, problem_numbers),
      source_numbers_(seed, source_points),
      target_numbers_(seed, target_points) {}

std::vector<double> CloudSampler::running_sums(const CloudTable& table) {
  bool equal = true;
  for (std::int64_t s = 0; s < table.count() && equal; ++s) {
    const auto first = table.weights.begin() + table.offsets[s];
    equal = std::all_of(first, table.weights.begin() + table.offsets[s + 1],
                        [&](double weight) { return weight == *first; });
  }
  if (equal) return {};
  std::vector<double> sums(table.weights.size());
  for (std::int64_t s = 0; s < table.count(); ++s) {
    double sum = 0;
    for (std::int64_t i = table.offsets[s]; i < table.offsets[s + 1]; ++i)
      sums[static_cast<std::size_t>(i)] = sum += table.weights[static_cast<std::size_t>(i)];
  }
  return sums;
}

std::int32_t CloudSampler::problem(std::int64_t draw) const {
  return static_cast<std::int32_t>(problems_.below(
      static_cast<std::uint64_t>(population_.problems()), static_cast<std::uint64_t>(draw)));
}

/// `number` in [0, 1).
std::int64_t CloudSampler::row_of(bool source, std::int64_t measure, double number) const {
  const CloudTable& table = source ? population_.sources : population_.target_table();
  const auto& sums = source ? source_sums_ : target_sums_;
  const std::int64_t begin = table.offsets[measure], end = table.offsets[measure + 1];
  if (sums.empty())
    return std::min(begin + static_cast<std::int64_t>(number * static_cast<double>(end - begin)),
                    end - 1);
  const auto last = sums.begin() + end - 1;
  return std::min(std::upper_bound(sums.begin() + begin, last + 1, number * *last), last) -
         sums.begin();
}

void CloudSampler::points(std::int32_t problem, bool source, std::int64_t draw, std::int64_t count,
                          const StandardCoordinates& coordinates, float* to) const {
  const auto at = static_cast<std::size_t>(problem);
  const std::int64_t measure = source ? population_.source[at] : population_.target[at];
  const CloudTable& table = source ? population_.sources : population_.target_table();
  const auto& random = source ? source_numbers_ : target_numbers_;
  const auto dimension = static_cast<std::size_t>(population_.dimension);
  for (std::int64_t k = 0; k < count; ++k) {
    const auto row = static_cast<std::size_t>(
        row_of(source, measure, random.uniform(static_cast<std::uint64_t>(draw * count + k))));
    const double* const point = table.points.data() + row * dimension;
    for (std::size_t i = 0; i < dimension; ++i)
      *to++ = static_cast<float>((point[i] - (coordinates.mean.empty() ? 0 : coordinates.mean[i])) /
                                 coordinates.scale);
  }
}

}  // namespace otfleet
