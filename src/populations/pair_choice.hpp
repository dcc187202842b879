#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/job.hpp"
#include "src/populations/cloud_population.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// How many random pairs, and of which seed; `key` asks for them.
struct RandomPairs {
  std::int64_t count = 0;
  std::string key;
  std::uint64_t seed = 0, stream = 0;
};

/// The measures there are to pair.
struct PairSides {
  std::int64_t sources = 0;
  std::int64_t targets = 0;  ///< as many as sources where both sides share them
  bool shared = true;
};
/// Of a population of either kind.
PairSides sides_of(const Population& population);
PairSides sides_of(const CloudPopulation& population);

/// Problems, as measures of each side, and what there is to say of them, or nothing.
struct ChosenPairs {
  std::vector<std::int32_t> source, target;
  std::string remark;
};

/// The pairs of a file, of equal numbers, one source with all targets, all pairs, or random ones.
/// Random pairs of measures that both sides share are two different ones; each comes at most once
/// unless make.repeat_pairs says otherwise, and where fewer exist than are asked for, all are
/// taken, and the remark says so. The first of more pairs are the same. Local. Throws UserError for
/// measures that do not exist, for sides of different numbers where numbers pair them, and for more
/// than a billion problems.
ChosenPairs choose_pairs(const PairSides& sides, const MakeOptions& make,
                         const RandomPairs& random);

}  // namespace otfleet
