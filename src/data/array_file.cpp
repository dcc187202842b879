#include "src/data/array_file.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "distributed/error.hpp"
#include "src/config/nearest_name.hpp"
#include "src/data/byte_stream.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/formats/list.hpp"

namespace otfleet {
namespace {

/// What to do about a file that is not there.
std::string advice_on_missing(const std::filesystem::path& file) {
  std::error_code error;
  auto folder = std::filesystem::absolute(file, error).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "images/"
  folder = folder.parent_path();
  if (!std::filesystem::is_directory(folder, error))
    return "; there is no folder " + folder.string();
  // Dots separate the parts of keys, for which names are compared; of files the whole counts.
  const auto without_dots = [](std::string name) {
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
  };
  std::map<std::string, std::string> names;
  std::vector<std::string> candidates;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const auto name = entry.path().filename().string();
    candidates.push_back(without_dots(name));
    names[candidates.back()] = name;
  }
  const auto near = nearest_name(without_dots(file.filename().string()), candidates);
  return near.empty() ? " in " + folder.string() : "; did you mean '" + names[near] + "'?";
}

FileStart start_of(const std::filesystem::path& file) {
  FileStart start;
  start.file = file;
  std::error_code ignored;
  start.is_folder = std::filesystem::is_directory(file, ignored);
  if (start.is_folder) return start;
  if (!std::filesystem::exists(file, ignored))
    throw UserError(file.string() + ": no such file" + advice_on_missing(file));
  FileStream stream(file);
  start.count = stream.read_some(start.bytes, sizeof start.bytes);
  if (start.count == 0) stream.fail("is empty");
  return start;
}

/// What to do with a file that no format fits.
std::string advice_on(const FileStart& start) {
  if (start.is_folder) return "name a file, or a folder of *.png images";
  for (const char* extension : {".mat", ".parquet", ".feather", ".pkl", ".pickle", ".pt", ".xlsx"})
    if (start.extension() == extension)
      return "read it in Python and save the array with numpy.save";
  for (const char* extension : {".jpg", ".jpeg"})
    if (start.extension() == extension)
      return "make it gray, as with 'convert IN.jpg -colorspace Gray OUT.png', or take its colors "
             "as "
             "points by make.pixels";
  return "save the array with numpy.save, or call a table of numbers *.csv";
}

[[noreturn]] void refuse(const FileStart& start) {
  std::vector<std::string> names;
  for (const ArrayFormat* format : formats::list()) names.emplace_back(format->name);
  throw UserError(fmt::format("{}: is none of {}; {}", start.file.string(), fmt::join(names, ", "),
                              advice_on(start)));
}

}  // namespace

Array read_array(const ArraySource& source) {
  const FileStart start = start_of(source.file);
  for (const ArrayFormat* format : formats::list()) {
    if (!format->fits(start)) continue;
    if (!source.dataset.empty() && !format->has_names)
      throw UserError(fmt::format(
          "{}: a dataset is named, but this is neither an HDF5 file nor an .npz archive",
          source.file.string()));
    return format->read(source);
  }
  refuse(start);
}

Array read_points(const ArraySource& source, const std::string& noun) {
  Array array = read_array(source);
  const auto name =
      source.dataset.empty() ? source.file.string() : source.file.string() + ": " + source.dataset;
  if (array.shape.size() != 2)
    throw UserError(fmt::format("{}: {}s must be an array [N, D], not shape {}", name, noun,
                                shape_text(array.shape)));
  if (array.values.empty())
    throw UserError(
        fmt::format("{}: holds no {}s, its shape is {}", name, noun, shape_text(array.shape)));
  const auto bad = std::find_if_not(array.values.begin(), array.values.end(),
                                    [](double value) { return std::isfinite(value); });
  if (bad != array.values.end())
    throw UserError(fmt::format("{}: {} {} is not finite", name, noun,
                                (bad - array.values.begin()) / array.shape[1]));
  return array;
}

}  // namespace otfleet
