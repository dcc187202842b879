#pragma once
#include <cstdint>
#include <memory>

#include "src/data/array_file.hpp"
#include "src/families/neural_dual/samplers/sample_sequence.hpp"
#include "src/families/neural_dual/samplers/sampler.hpp"

namespace otfleet {

/// Samples [N, D] from a file, as read_points() has them: drawn with replacement, or by
/// SampleSequence::sobol all of them in a random order, then all in another. Throws UserError as it
/// does. Memory: the whole array, in doubles. Local.
std::unique_ptr<Sampler> array_sampler(const ArraySource& source, std::uint64_t seed,
                                       std::uint64_t stream,
                                       SampleSequence sequence = SampleSequence::random);

}  // namespace otfleet
