#pragma once
#include <string>

#include "distributed/hdf5_file.hpp"

namespace otfleet::distributed {

/// Root attribute of a sealed file.
inline constexpr const char* checksum_attribute = "checksum";

/// CRC-32 in eight hex digits over all that a file holds: names, shapes and values of its datasets,
/// names and values of its attributes, but for `checksum` itself. It does not depend on how HDF5
/// lays the file out. Local; reads the whole file. Throws UserError.
std::string content_checksum(const Hdf5File& file);

/// Sets the attribute; to be the last thing written. Local.
void seal(Hdf5File& file);

/// Throws UserError that names the file when its contents are not those that were sealed, or cannot
/// be read. A file without the attribute passes. Local.
void check_seal(const Hdf5File& file);

}  // namespace otfleet::distributed
