#include "src/populations/pair_choice.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <unordered_set>

#include "distributed/error.hpp"
#include "kernels/counter_random.hpp"
#include "src/data/array_file.hpp"
#include "src/data/checked_hdf5.hpp"

namespace otfleet {
namespace {

constexpr std::int64_t most_problems = 1'000'000'000;

std::int64_t targets_of(const Population& population) {
  return population.shared_measures ? population.source_measures : population.target_measures;
}

void add_pair(Population& population, std::int64_t source, std::int64_t target) {
  population.source.push_back(static_cast<std::int32_t>(source));
  population.target.push_back(static_cast<std::int32_t>(target));
}

void read_pairs(Population& population, const ArraySource& file) {
  const std::string name = file.file.string() + (file.dataset.empty() ? "" : ": " + file.dataset);
  const auto array = read_array(file);
  if (array.shape.size() != 2 || array.shape[1] != 2)
    throw UserError(
        fmt::format("{}: pairs must have shape [P, 2], not {}", name, shape_text(array.shape)));
  const std::int64_t measures[] = {population.source_measures, targets_of(population)};
  const auto measure = [&](std::size_t pair, std::size_t side) {
    const double value = array.values[2 * pair + side];
    if (value != std::floor(value) || value < 0 || value >= static_cast<double>(measures[side]))
      throw UserError(fmt::format("{}: pair {} names {} measure {}; there are {}, from 0", name,
                                  pair, side == 0 ? "source" : "target", value, measures[side]));
    return static_cast<std::int64_t>(value);
  };
  for (std::size_t pair = 0; pair < array.values.size() / 2; ++pair)
    add_pair(population, measure(pair, 0), measure(pair, 1));
}

void pair_one_with_all(Population& population, std::int64_t one) {
  if (one >= population.source_measures)
    throw UserError(fmt::format("make.pairs.one = {}: there are {} source measures, from 0", one,
                                population.source_measures));
  for (std::int64_t j = 0; j < targets_of(population); ++j)
    if (!population.shared_measures || j != one) add_pair(population, one, j);
}

void pair_all(Population& population) {
  const auto sources = population.source_measures, targets = targets_of(population);
  const bool shared = population.shared_measures;
  const double count = static_cast<double>(sources) * (shared ? static_cast<double>(sources - 1) / 2
                                                              : static_cast<double>(targets));
  if (count > static_cast<double>(most_problems))
    throw UserError(
        fmt::format("make.pairs = 'all_pairs': {} and {} measures make {:.3g} problems, "
                    "more than 1e9; use 'random' or 'one_to_all'",
                    sources, targets, count));
  for (std::int64_t i = 0; i < sources; ++i)
    for (std::int64_t j = shared ? i + 1 : 0; j < targets; ++j) add_pair(population, i, j);
}

std::string draw_pairs(Population& population, const RandomPairs& wanted, bool repeat) {
  const kernels::CounterRandom random(wanted.seed, wanted.stream);
  const auto sources = static_cast<std::uint64_t>(population.source_measures);
  const auto targets = static_cast<std::uint64_t>(targets_of(population));
  const bool distinct = population.shared_measures && sources > 1;
  const std::uint64_t existing = sources * (distinct ? sources - 1 : targets);
  std::string remark;
  auto count = static_cast<std::uint64_t>(wanted.count);
  if (!repeat && count > existing) {
    remark = fmt::format(
        "{} = {}, but {} and {} measures make {} different pairs: each is taken once "
        "(make.repeat_pairs = true repeats them)",
        wanted.key, count, sources, targets, existing);
    count = existing;
  }
  population.source.reserve(count);
  population.target.reserve(count);
  std::unordered_set<std::uint64_t> taken;
  for (std::uint64_t draw = 0; population.source.size() < count; ++draw) {
    const auto i = random.below(sources, 2 * draw);
    // One of the others: those from i on stand one higher.
    auto j = random.below(distinct ? sources - 1 : targets, 2 * draw + 1);
    if (distinct && j >= i) ++j;
    if (repeat || taken.insert(i * targets + j).second)
      add_pair(population, static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
  }
  return remark;
}

}  // namespace

std::string choose_pairs(Population& population, const MakeOptions& make,
                         const RandomPairs& random) {
  if (make.pairs.empty() && make.pairs.kind == PairKind::random)
    return draw_pairs(population, random, make.repeat_pairs);
  if (!make.pairs.empty())
    read_pairs(population, make.pairs);
  else if (make.pairs.kind == PairKind::one_to_all)
    pair_one_with_all(population, make.pairs.one);
  else
    pair_all(population);
  return {};
}

}  // namespace otfleet
