#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"

namespace otfleet {

/// "[4000, 28, 28]", for messages.
std::string shape_text(const std::vector<std::int64_t>& shape);

/// Product of the lengths; throws UserError that begins with `name` when one is negative or the
/// product does not fit.
std::int64_t element_count(const std::vector<std::int64_t>& shape, const std::string& name);

/// Throws UserError when a file of `file_bytes` bytes cannot hold `elements` doubles even
/// compressed: a header that lies would else cost all the memory there is.
void check_plausible(std::int64_t elements, std::uintmax_t file_bytes, const std::string& name);

/// The dataset as doubles, after checks that it is one, holds integers or floats, has a plausible
/// size and, where `dimensions` > 0, that many dimensions; fills `shape`. Throws UserError that
/// names file and dataset. Local.
std::vector<double> read_numbers(const distributed::Hdf5File& file, const std::string& dataset,
                                 int dimensions, std::vector<std::int64_t>& shape);

/// The shape of a dataset of any kind; empty: there is none. Local.
std::vector<std::int64_t> shape_of(const distributed::Hdf5File& file, const std::string& dataset);

/// The shape of such a dataset after the same checks. Local.
std::vector<std::int64_t> numbers_shape(const distributed::Hdf5File& file,
                                        const std::string& dataset, int dimensions);

/// As read_numbers(), for one dimension of integers.
std::vector<std::int64_t> read_integers(const distributed::Hdf5File& file,
                                        const std::string& dataset);

}  // namespace otfleet
