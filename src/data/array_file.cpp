#include "src/data/array_file.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

#include "distributed/error.hpp"
#include "distributed/hdf5_file.hpp"
#include "src/data/array_formats.hpp"
#include "src/data/checked_hdf5.hpp"
#include "src/data/zip_archive.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

constexpr std::string_view npy_ending = ".npy";
constexpr std::size_t most_names = 12, most_visits = 1000, deepest = 8;

/// Names of the datasets below `group`; stops where a message would grow too long, and where only
/// links back up can lead.
void list_datasets(const Hdf5File& file, const std::string& group, std::size_t depth,
                   std::size_t& visits, std::vector<std::string>& names) {
  for (const auto& child : file.children(group)) {
    if (names.size() > most_names || ++visits > most_visits) return;
    const auto path = (group == "/" ? "/" : group + "/") + child;
    if (!file.has(path)) continue;  // a dangling link
    if (!file.is_group(path)) {
      names.push_back(path);
    } else if (depth < deepest) {
      list_datasets(file, path, depth + 1, visits, names);
    }
  }
}

std::string contents(const Hdf5File& file) {
  std::vector<std::string> names;
  std::size_t visits = 0;
  list_datasets(file, "/", 0, visits, names);
  if (names.empty()) return "it holds no dataset";
  const bool more = names.size() > most_names;
  if (more) names.resize(most_names);
  return fmt::format("it holds {}{}", fmt::join(names, ", "), more ? ", ..." : "");
}

Array read_hdf5(const ArraySource& source) {
  const auto file = Hdf5File::open(source.file);
  if (source.dataset.empty()) {
    throw UserError(fmt::format("{}: an HDF5 file needs a dataset's name; {}", source.file.string(),
                                contents(file)));
  }
  const auto dataset = source.dataset.front() == '/' ? source.dataset : "/" + source.dataset;
  if (!file.has(dataset) || file.is_group(dataset)) {
    throw UserError(fmt::format("{}: no dataset '{}'; {}", source.file.string(), source.dataset,
                                contents(file)));
  }
  Array array;
  array.values = read_numbers(file, dataset, 0, array.shape);
  return array;
}

/// "a, b" of the arrays in an .npz archive, whose members are called "a.npy", "b.npy".
std::string array_names(const std::vector<ZipMember>& members) {
  std::vector<std::string> names;
  for (const auto& member : members) {
    if (names.size() == most_names) {
      names.emplace_back("...");
      break;
    }
    names.push_back(member.name.substr(0, member.name.size() - npy_ending.size()));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Array read_npz(const ArraySource& source) {
  const std::string file = source.file.string();
  std::vector<ZipMember> members = read_zip_directory(source.file);
  std::erase_if(members, [](const ZipMember& m) { return !m.name.ends_with(npy_ending); });
  if (members.empty()) throw UserError(file + ": a zip archive without arrays (*.npy)");
  const auto wanted = std::find_if(members.begin(), members.end(), [&](const ZipMember& member) {
    return member.name == source.dataset || member.name == source.dataset + std::string(npy_ending);
  });
  if (source.dataset.empty() && members.size() > 1)
    throw UserError(fmt::format("{}: holds several arrays, {}; name one, as in file = \"{}:{}\"",
                                file, array_names(members), source.file.filename().string(),
                                array_names({members.front()})));
  if (!source.dataset.empty() && wanted == members.end())
    throw UserError(
        fmt::format("{}: no array '{}'; it holds {}", file, source.dataset, array_names(members)));
  ZipMemberStream stream(source.file, source.dataset.empty() ? members.front() : *wanted);
  unsigned char start[6] = {};
  stream.read(start, sizeof start);
  if (std::memcmp(start, "\x93NUMPY", sizeof start) != 0) stream.fail("holds no .npy array");
  return detail::read_npy(stream);
}

}  // namespace

namespace detail {

std::vector<double> read_values(ByteStream& stream, std::int64_t count, std::size_t width,
                                bool big_endian, Decode decode) {
  check_plausible(count, stream.file_bytes(), stream.name());
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(count));
  constexpr std::int64_t block = 1 << 16;
  std::vector<unsigned char> bytes(static_cast<std::size_t>(std::min(count, block)) * width);
  for (std::int64_t done = 0; done < count; done += block) {
    const auto here = static_cast<std::size_t>(std::min(count - done, block));
    stream.read(bytes.data(), here * width);
    for (std::size_t i = 0; i < here; ++i) {
      unsigned char* value = bytes.data() + i * width;
      if (big_endian != (std::endian::native == std::endian::big))
        std::reverse(value, value + width);
      values.push_back(decode(value));
    }
  }
  stream.expect_end();
  return values;
}

}  // namespace detail

Array read_array(const ArraySource& source) {
  FileStream stream(source.file);
  unsigned char start[8] = {};
  const auto got = stream.read_some(start, 4);
  const auto begins = [&](const char* magic, std::size_t size) {
    return got >= std::min<std::size_t>(size, 4) && std::memcmp(start, magic, size) == 0;
  };
  if (begins("\x89HDF", 4)) return read_hdf5(source);
  if (begins("PK\x03\x04", 4) || begins("PK\x05\x06", 4)) return read_npz(source);
  if (!source.dataset.empty()) {
    stream.fail("a dataset is named, but this is neither an HDF5 file nor an .npz archive");
  }
  if (begins("\0\0", 2) && got == 4) return detail::read_idx(stream, start);
  if (begins("\x93NUM", 4)) {
    stream.read(start + 4, 2);
    if (std::memcmp(start, "\x93NUMPY", 6) == 0) return detail::read_npy(stream);
  }
  stream.fail(got == 0 ? "is empty"
                       : "is neither HDF5, NumPy .npy or .npz nor IDX (plain or gzipped)");
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
