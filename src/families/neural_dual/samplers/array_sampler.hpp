#pragma once
#include <cstdint>
#include <memory>

#include "src/data/array_file.hpp"
#include "src/families/neural_dual/samplers/sampler.hpp"

namespace otfleet {

/// Samples [N, D] from a file, as read_points() has them, drawn with replacement. Throws UserError
/// as it does. Memory: the whole array, in doubles. Local.
std::unique_ptr<Sampler> array_sampler(const ArraySource& source, std::uint64_t seed,
                                       std::uint64_t stream);

}  // namespace otfleet
