#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/data/array_source.hpp"

namespace otfleet {

/// An array as doubles, row-major.
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

/// Reads an array in any format of formats/list.hpp; the first bytes tell which, of tables of
/// numbers and folders the name. `dataset` names an array of HDF5 and of .npz where there are
/// several. Throws UserError with the file's name: missing, truncated, foreign, unsupported type;
/// for HDF5 and .npz without `dataset` the message lists what the file holds. Local.
Array read_array(const ArraySource& source);

/// The same of points [N, D], which messages call `noun`s. Throws UserError also for another number
/// of dimensions, no points or coordinates, and values that are not finite. Local.
Array read_points(const ArraySource& source, const std::string& noun);

}  // namespace otfleet
