#pragma once
#include <cstdint>
#include <memory>

#include "src/problems/array_file.hpp"
#include "src/samplers/sampler.hpp"

namespace otfleet {

/// Samples [N, D] from a file that read_array() knows, drawn with replacement. Throws UserError
/// with the file's name: what read_array() throws, an array without two dimensions, without
/// samples or coordinates, and values that are not finite. Memory: the whole array, in doubles.
/// Local.
std::unique_ptr<Sampler> array_sampler(const ArraySource& source, std::uint64_t seed,
                                       std::uint64_t stream);

}  // namespace otfleet
