#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"

// Sequences of problems: time steps, minibatches, annealed parameters. /problems/sequence [P],
// integers, says of which sequence a problem is; those of one sequence stand together, in order.
// All local.

namespace otfleet {

/// What a file says; empty: nothing. Throws UserError.
std::vector<std::int64_t> read_sequence(const distributed::Hdf5File& file);
/// Writes nothing where `sequence` is empty.
void write_sequence(distributed::Hdf5File& file, const std::vector<std::int64_t>& sequence);

/// Unless `sequence` is empty, or has a number for every problem and those of one sequence stand
/// together. Throws UserError that begins with `name`, the file.
void check_sequence(const std::string& name, std::span<const std::int64_t> sequence,
                    std::int64_t problems);

/// Of problems of which every `length` in turn form a sequence; empty where that is 0.
std::vector<std::int64_t> equal_sequences(std::int64_t problems, std::int64_t length);

/// Where each sequence begins [S + 1], the last entry the number of problems; empty where
/// `sequence` is.
std::vector<std::int64_t> sequence_offsets(std::span<const std::int64_t> sequence);

}  // namespace otfleet
