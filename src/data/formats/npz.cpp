// NumPy .npz: a zip archive of .npy arrays; also sparse matrices of scipy.sparse.save_npz.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "distributed/error.hpp"
#include "src/data/formats/list.hpp"
#include "src/data/sparse_matrix.hpp"
#include "src/data/stored_values.hpp"
#include "src/data/zip_archive.hpp"

namespace otfleet::formats {
namespace {

constexpr std::string_view npy_ending = ".npy";
constexpr std::size_t most_listed = 12;

using Members = std::vector<ZipMember>;

/// "a, b" of the arrays in an .npz archive, whose members are called "a.npy", "b.npy".
std::string array_names(const Members& members) {
  std::vector<std::string> names;
  for (const auto& member : members) {
    if (names.size() == most_listed) {
      names.emplace_back("...");
      break;
    }
    names.push_back(member.name.substr(0, member.name.size() - npy_ending.size()));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Members::const_iterator find(const Members& members, const std::string& name) {
  return std::find_if(members.begin(), members.end(), [&](const ZipMember& member) {
    return member.name == name || member.name == name + std::string(npy_ending);
  });
}

Array read_member(const std::filesystem::path& archive, const ZipMember& member) {
  ZipMemberStream stream(archive, member);
  return detail::read_npy(stream);
}

bool is_sparse(const Members& members) {
  for (const char* name : {"data", "indices", "indptr", "shape", "format"})
    if (find(members, name) == members.end()) return false;
  return true;
}

std::vector<std::int64_t> whole_numbers(const Array& array, const std::string& name) {
  std::vector<std::int64_t> numbers;
  for (const double value : array.values) {
    if (value != std::floor(value) || std::abs(value) > 9e15)
      throw UserError(fmt::format("{}: damaged sparse matrix: {} is no index", name, value));
    numbers.push_back(static_cast<std::int64_t>(value));
  }
  return numbers;
}

/// "csr" or "csc": the text that ends the member.
std::string sparse_format(const std::filesystem::path& archive, const ZipMember& member) {
  ZipMemberStream stream(archive, member);
  std::string text(4096, '\0');
  text.resize(stream.read_some(reinterpret_cast<unsigned char*>(text.data()), text.size()));
  std::erase(text, '\0');  // text of four bytes a letter
  return text.substr(text.size() - std::min<std::size_t>(text.size(), 3));
}

Array read_sparse(const ArraySource& source, const Members& members) {
  const std::string name = source.file.string();
  const auto integers = [&](const char* member) {
    return whole_numbers(read_member(source.file, *find(members, member)), name);
  };
  const auto shape = integers("shape");
  const auto format = sparse_format(source.file, *find(members, "format"));
  if (shape.size() != 2 || (format != "csr" && format != "csc"))
    throw UserError(fmt::format(
        "{}: a sparse matrix of format '{}'; csr and csc can be read: save matrix.tocsr()", name,
        format));
  return whole_matrix({shape[0], shape[1], format == "csr", integers("indptr"), integers("indices"),
                       read_member(source.file, *find(members, "data")).values},
                      name);
}

Array read_npz(const ArraySource& source) {
  const std::string file = source.file.string();
  Members members = read_zip_directory(source.file);
  std::erase_if(members, [](const ZipMember& m) { return !m.name.ends_with(npy_ending); });
  if (members.empty()) throw UserError(file + ": a zip archive without arrays (*.npy)");
  if (source.dataset.empty() && is_sparse(members)) return read_sparse(source, members);
  if (source.dataset.empty() && members.size() > 1)
    throw UserError(fmt::format("{}: holds several arrays, {}; name one, as in file = \"{}:{}\"",
                                file, array_names(members), source.file.filename().string(),
                                array_names({members.front()})));
  const auto wanted = source.dataset.empty() ? members.cbegin() : find(members, source.dataset);
  if (wanted == members.cend())
    throw UserError(
        fmt::format("{}: no array '{}'; it holds {}", file, source.dataset, array_names(members)));
  return read_member(source.file, *wanted);
}

}  // namespace

const ArrayFormat& npz() {
  static constexpr ArrayFormat format = {"NumPy .npz", true,
                                         [](const FileStart& start) {
                                           return start.begins_with("PK\x03\x04", 4) ||
                                                  start.begins_with("PK\x05\x06", 4);
                                         },
                                         read_npz};
  return format;
}

}  // namespace otfleet::formats
