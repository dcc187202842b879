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

/// Reads HDF5 (needs `dataset`), NumPy .npy (versions 1 to 3; integers, booleans and floats of
/// either byte order; C or Fortran order), .npz (stored or deflated; `dataset` names the array
/// where there are several) or IDX (unsigned byte to double; plain or gzipped), told apart by the
/// first bytes, not the name. Throws UserError with the file's name: missing, truncated, foreign,
/// unsupported type; for HDF5 and .npz without `dataset` the message lists what the file holds.
/// Local.
Array read_array(const ArraySource& source);

/// The same of points [N, D], which messages call `noun`s. Throws UserError also for another number
/// of dimensions, no points or coordinates, and values that are not finite. Local.
Array read_points(const ArraySource& source, const std::string& noun);

}  // namespace otfleet
