#pragma once
#include "src/config/choice.hpp"

namespace otfleet {

/// What samples are made of: the numbers of a scrambled Sobol sequence, which spreads them evenly
/// (rows of a file: every one once before any comes again), or independent ones.
enum class SampleSequence { sobol, random };

template <>
struct Choices<SampleSequence> {
  static constexpr Choice<SampleSequence> list[] = {{"sobol", SampleSequence::sobol},
                                                    {"random", SampleSequence::random}};
};

}  // namespace otfleet
