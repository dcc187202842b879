#include "src/data/checked_hdf5.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>

#include "distributed/error.hpp"

namespace otfleet {
namespace {

std::string name_of(const distributed::Hdf5File& file, const std::string& dataset) {
  return file.path().string() + ": " + dataset;
}

/// Everything that can be known before the first byte of the data is read.
distributed::DatasetInfo checked_info(const distributed::Hdf5File& file, const std::string& dataset,
                                      int dimensions, bool integers_only) {
  const auto name = name_of(file, dataset);
  if (!file.has(dataset)) throw UserError(name + ": no such dataset");
  if (file.is_group(dataset)) throw UserError(name + ": is a group, not a dataset");
  auto info = file.info(dataset);
  if (!info.is_integer && (integers_only || !info.is_float)) {
    throw UserError(fmt::format("{}: must hold {}", name,
                                integers_only ? "integers" : "integers or floating-point numbers"));
  }
  if (dimensions > 0 && static_cast<int>(info.shape.size()) != dimensions) {
    throw UserError(fmt::format("{}: must have {} dimension{}, not shape {}", name, dimensions,
                                dimensions == 1 ? "" : "s", shape_text(info.shape)));
  }
  check_plausible(element_count(info.shape, name), std::filesystem::file_size(file.path()), name);
  return info;
}

}  // namespace

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::int64_t element_count(const std::vector<std::int64_t>& shape, const std::string& name) {
  std::int64_t count = 1;
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  for (const auto length : shape) {
    if (length < 0) throw UserError(fmt::format("{}: negative dimension {}", name, length));
    if (!empty && __builtin_mul_overflow(count, length, &count)) {
      throw UserError(fmt::format("{}: impossible shape {}", name, shape_text(shape)));
    }
  }
  return empty ? 0 : count;
}

void check_plausible(std::int64_t elements, std::uintmax_t file_bytes, const std::string& name) {
  // Deflate packs 1032 bytes into one at best. Small arrays may be sparse in the file.
  constexpr std::uint64_t small = 1 << 24, ratio = 1100;
  if (static_cast<std::uint64_t>(elements) > small &&
      static_cast<std::uint64_t>(elements) / ratio > file_bytes) {
    throw UserError(fmt::format("{}: truncated or damaged: {} values cannot come from {} bytes",
                                name, elements, file_bytes));
  }
}

std::vector<double> read_numbers(const distributed::Hdf5File& file, const std::string& dataset,
                                 int dimensions, std::vector<std::int64_t>& shape) {
  shape = numbers_shape(file, dataset, dimensions);
  return file.read<double>(dataset);
}

std::vector<std::int64_t> shape_of(const distributed::Hdf5File& file, const std::string& dataset) {
  return file.has(dataset) ? file.info(dataset).shape : std::vector<std::int64_t>();
}

std::vector<std::int64_t> numbers_shape(const distributed::Hdf5File& file,
                                        const std::string& dataset, int dimensions) {
  return checked_info(file, dataset, dimensions, false).shape;
}

std::vector<std::int64_t> read_integers(const distributed::Hdf5File& file,
                                        const std::string& dataset) {
  checked_info(file, dataset, 1, true);
  return file.read<std::int64_t>(dataset);
}

}  // namespace otfleet
