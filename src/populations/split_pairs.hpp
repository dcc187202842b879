#pragma once
#include <string>
#include <utility>

#include "src/populations/measure_contexts.hpp"
#include "src/populations/pair_choice.hpp"
#include "src/populations/population_builder.hpp"
#include "src/populations/sequences.hpp"

namespace otfleet {

/// The pairs of a split of a job's measures: its number of random ones and its random stream.
inline ChosenPairs choose_pairs_of(const PairSides& sides, const Job& job, Split split) {
  // Never change these: they are part of what a seed means.
  constexpr std::uint64_t train_stream = 1, test_stream = 2;
  const bool train = split == Split::train;
  return choose_pairs(sides, job.make,
                      {train ? job.make.train_problems : job.make.test_problems,
                       train ? "make.train_problems" : "make.test_problems",
                       static_cast<std::uint64_t>(job.seed), train ? train_stream : test_stream});
}

/// Gives a population that has its measures its problems, their sequences and their contexts;
/// `remark` (may be null) gets what there is to say of them. Throws UserError. Local.
template <class AnyPopulation>
void add_pairs(AnyPopulation& population, const Job& job, Split split, std::string* remark) {
  auto pairs = choose_pairs_of(sides_of(population), job, split);
  population.source = std::move(pairs.source);
  population.target = std::move(pairs.target);
  const std::int64_t problems = population.problems();
  population.sequence = equal_sequences(problems, job.make.length_of_sequences(problems));
  add_contexts(population, job, split);
  if (remark != nullptr) *remark = std::move(pairs.remark);
}

}  // namespace otfleet
