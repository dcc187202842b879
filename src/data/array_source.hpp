#pragma once
#include <filesystem>
#include <string>

#include "src/config/key_list.hpp"

namespace otfleet {

/// An array in a file the user holds: `dataset` names it inside an HDF5 file or .npz archive and
/// stays empty for .npy and IDX files (plain or gzipped), which hold one array.
struct ArraySource {
  std::filesystem::path file;
  std::string dataset;
  bool empty() const { return file.empty(); }
};

/// "a.npy", or "images.h5: train" for a dataset of a file: what messages call the array.
std::string name_of(const ArraySource& source);

/// The keys name.file, with that meaning, and name.dataset.
void add_array(KeyList& keys, const std::string& name, ArraySource& array, const std::string& doc);

/// The array that a text names: "a.npy", or "images.npz:train" for the array `train` of images.npz,
/// and so for HDF5, unless a file has that very name. Local.
ArraySource named_array(const std::string& text);

/// Takes such names apart, wherever a key names an array. Local.
void split_array_names(const KeyList& keys);

/// The first array of which a job names the dataset but not the file, as a complaint; or empty.
/// Local.
std::string array_complaint(const KeyList& keys);

}  // namespace otfleet
