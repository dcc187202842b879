#pragma once
#include <vector>

#include "src/data/formats/format.hpp"

// All formats of arrays, each in a file of this folder: a new one is a file and its name here,
// twice.

namespace otfleet::formats {

const ArrayFormat& hdf5();
const ArrayFormat& npy();
const ArrayFormat& npz();
const ArrayFormat& idx();
const ArrayFormat& png();
const ArrayFormat& csv();

/// The first that fits a file reads it: what the bytes say goes before what the name says.
inline std::vector<const ArrayFormat*> list() {
  return {&hdf5(), &npy(), &npz(), &idx(), &png(), &csv()};
}

}  // namespace otfleet::formats
