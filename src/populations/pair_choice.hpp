#pragma once
#include <cstdint>
#include <string>

#include "src/job.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// How many random pairs, and of which seed; `key` asks for them.
struct RandomPairs {
  std::int64_t count = 0;
  std::string key;
  std::uint64_t seed = 0, stream = 0;
};

/// Makes the problems of a population that has its measures: the pairs of a file, one source with
/// all targets, all pairs, or random ones. Random pairs of measures that both sides share are two
/// different ones; each comes at most once unless make.repeat_pairs says otherwise, and where fewer
/// exist than are asked for, all are taken, and what is returned says so. The first of more pairs
/// are the same. Local. Throws UserError for measures that do not exist and for more than a billion
/// problems.
std::string choose_pairs(Population& population, const MakeOptions& make,
                         const RandomPairs& random);

}  // namespace otfleet
