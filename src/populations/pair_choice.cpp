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

void add_pair(ChosenPairs& pairs, std::int64_t source, std::int64_t target) {
  pairs.source.push_back(static_cast<std::int32_t>(source));
  pairs.target.push_back(static_cast<std::int32_t>(target));
}

void read_pairs(ChosenPairs& pairs, const PairSides& sides, const ArraySource& file) {
  const std::string name = file.file.string() + (file.dataset.empty() ? "" : ": " + file.dataset);
  const auto array = read_array(file);
  if (array.shape.size() != 2 || array.shape[1] != 2)
    throw UserError(
        fmt::format("{}: pairs must have shape [P, 2], not {}", name, shape_text(array.shape)));
  const std::int64_t measures[] = {sides.sources, sides.targets};
  const auto measure = [&](std::size_t pair, std::size_t side) {
    const double value = array.values[2 * pair + side];
    if (value != std::floor(value) || value < 0 || value >= static_cast<double>(measures[side]))
      throw UserError(fmt::format("{}: pair {} names {} measure {}; there are {}, from 0", name,
                                  pair, side == 0 ? "source" : "target", value, measures[side]));
    return static_cast<std::int64_t>(value);
  };
  for (std::size_t pair = 0; pair < array.values.size() / 2; ++pair)
    add_pair(pairs, measure(pair, 0), measure(pair, 1));
}

void pair_one_with_all(ChosenPairs& pairs, const PairSides& sides, std::int64_t one) {
  if (one >= sides.sources)
    throw UserError(fmt::format("make.pairs.one = {}: there are {} source measures, from 0", one,
                                sides.sources));
  for (std::int64_t j = 0; j < sides.targets; ++j)
    if (!sides.shared || j != one) add_pair(pairs, one, j);
}

void pair_equal_numbers(ChosenPairs& pairs, const PairSides& sides) {
  if (!sides.shared && sides.sources != sides.targets)
    throw UserError(fmt::format(
        "make.pairs = 'one_to_one': {} sources and {} targets; it needs as many, use 'all' or "
        "'one_to_all'",
        sides.sources, sides.targets));
  for (std::int64_t i = 0; !sides.shared && i < sides.sources; ++i) add_pair(pairs, i, i);
  for (std::int64_t i = 0; sides.shared && i + 1 < sides.sources; i += 2) add_pair(pairs, i, i + 1);
}

/// Problems of one measure: their source is not looked at.
void pair_each(ChosenPairs& pairs, const PairSides& sides) {
  for (std::int64_t j = 0; j < sides.targets; ++j) add_pair(pairs, sides.shared ? j : 0, j);
}

void pair_all(ChosenPairs& pairs, const PairSides& sides) {
  const auto sources = sides.sources, targets = sides.targets;
  const bool shared = sides.shared;
  const double count = static_cast<double>(sources) * (shared ? static_cast<double>(sources - 1) / 2
                                                              : static_cast<double>(targets));
  if (count > static_cast<double>(most_problems))
    throw UserError(
        fmt::format("make.pairs = 'all': {} and {} measures make {:.3g} problems, "
                    "more than 1e9; use 'random' or 'one_to_all'",
                    sources, targets, count));
  for (std::int64_t i = 0; i < sources; ++i)
    for (std::int64_t j = shared ? i + 1 : 0; j < targets; ++j) add_pair(pairs, i, j);
}

void draw_pairs(ChosenPairs& pairs, const PairSides& sides, const RandomPairs& wanted,
                bool repeat) {
  const kernels::CounterRandom random(wanted.seed, wanted.stream);
  const auto sources = static_cast<std::uint64_t>(sides.sources);
  const auto targets = static_cast<std::uint64_t>(sides.targets);
  const bool distinct = sides.shared && sources > 1;
  const std::uint64_t existing = sources * (distinct ? sources - 1 : targets);
  auto count = static_cast<std::uint64_t>(wanted.count);
  if (!repeat && count > existing) {
    pairs.remark = fmt::format(
        "{} = {}, but {} and {} measures make {} different pairs: each is taken once "
        "(make.repeat_pairs = true repeats them)",
        wanted.key, count, sources, targets, existing);
    count = existing;
  }
  pairs.source.reserve(count);
  pairs.target.reserve(count);
  std::unordered_set<std::uint64_t> taken;
  for (std::uint64_t draw = 0; pairs.source.size() < count; ++draw) {
    const auto i = random.below(sources, 2 * draw);
    // One of the others: those from i on stand one higher.
    auto j = random.below(distinct ? sources - 1 : targets, 2 * draw + 1);
    if (distinct && j >= i) ++j;
    if (repeat || taken.insert(i * targets + j).second)
      add_pair(pairs, static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
  }
}

}  // namespace

PairSides sides_of(const Population& population) {
  return {population.source_measures,
          population.shared_measures ? population.source_measures : population.target_measures,
          population.shared_measures};
}

PairSides sides_of(const CloudPopulation& population) {
  return {population.sources.count(), population.target_table().count(),
          population.shared_measures};
}

ChosenPairs choose_pairs(const PairSides& sides, const MakeOptions& make,
                         const RandomPairs& random) {
  ChosenPairs pairs;
  if (!make.drifts() && !make.pairs.empty())
    read_pairs(pairs, sides, make.pairs);
  else if (make.drifts() || make.pairs.kind == PairKind::one_to_one)
    pair_equal_numbers(pairs, sides);
  else if (make.pairs.kind == PairKind::random)
    draw_pairs(pairs, sides, random, make.repeat_pairs);
  else if (make.pairs.kind == PairKind::each)
    pair_each(pairs, sides);
  else if (make.pairs.kind == PairKind::one_to_all)
    pair_one_with_all(pairs, sides, make.pairs.one);
  else
    pair_all(pairs, sides);
  return pairs;
}

}  // namespace otfleet
