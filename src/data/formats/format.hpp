#pragma once
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>

#include "src/data/array_file.hpp"

namespace otfleet {

/// What tells the format of a file before it is read.
struct FileStart {
  std::filesystem::path file;
  bool is_folder = false;
  unsigned char bytes[8] = {};  ///< the first ones, decompressed where the file is gzipped
  std::size_t count = 0;        ///< of them that the file has

  bool begins_with(const char* text, std::size_t size) const {
    return count >= size && std::memcmp(bytes, text, size) == 0;
  }
  /// The end of the name: ".csv" of points.csv and of points.csv.gz, in lower case.
  std::string extension() const {
    auto name = file;
    if (name.extension() == ".gz") name.replace_extension();
    std::string end = name.extension().string();
    for (char& letter : end)
      if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return end;
  }
};

/// A format of arrays.
struct ArrayFormat {
  const char* name;  ///< "NumPy .npy", for messages
  bool has_names;    ///< a file holds several arrays, and ArraySource::dataset names one
  bool (*fits)(const FileStart& start);
  /// Reads what fits() has taken. Throws UserError with the file's name.
  Array (*read)(const ArraySource& source);
};

}  // namespace otfleet
