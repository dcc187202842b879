#include "src/populations/thumbnails.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "distributed/error.hpp"
#include "src/data/checked_hdf5.hpp"

namespace otfleet {
namespace {

constexpr std::int64_t thumbnail_channels = 3;

/// How much of a length of `length` pixels the piece number `piece` of `pieces` equal ones covers:
/// pixels from `first` on, each by its weight; the weights add up to 1.
struct Cover {
  std::int64_t first = 0;
  std::vector<double> weights;

  Cover(std::int64_t length, std::int64_t pieces, std::int64_t piece) {
    const double size = static_cast<double>(length) / static_cast<double>(pieces);
    const double begin = size * static_cast<double>(piece), end = begin + size;
    first = std::min(static_cast<std::int64_t>(begin), length - 1);
    double total = 0;
    for (std::int64_t pixel = first; pixel < length; ++pixel) {
      const auto at = static_cast<double>(pixel);
      const double weight = std::min(end, at + 1) - std::max(begin, at);
      if (weight <= 0 && !weights.empty()) break;
      weights.push_back(std::max(weight, 0.0));
      total += weights.back();
    }
    if (!(total > 0)) weights.front() = total = 1;  // the sums of lengths were rounded
    for (double& weight : weights) weight /= total;
  }
};

}  // namespace

std::span<const std::uint8_t> Thumbnails::of(std::int64_t measure) const {
  const auto length = static_cast<std::size_t>(side * side * thumbnail_channels);
  return std::span(colors).subspan(static_cast<std::size_t>(measure) * length, length);
}

void Thumbnails::add(const ColorImage& image, const ImagePart& part) {
  std::vector<Cover> columns;
  for (std::int64_t column = 0; column < side; ++column)
    columns.emplace_back(part.width, side, column);
  for (std::int64_t row = 0; row < side; ++row) {
    const Cover rows(part.height, side, row);
    for (const Cover& cover : columns) {
      std::array<double, thumbnail_channels> color = {};
      for (std::size_t i = 0; i < rows.weights.size(); ++i)
        for (std::size_t j = 0; j < cover.weights.size(); ++j) {
          const std::int64_t pixel =
              (part.top + rows.first + static_cast<std::int64_t>(i)) * image.width + part.left +
              cover.first + static_cast<std::int64_t>(j);
          for (int channel = 0; channel < thumbnail_channels; ++channel)
            color[static_cast<std::size_t>(channel)] +=
                rows.weights[i] * cover.weights[j] * image.color(pixel, channel);
        }
      for (const double value : color)
        colors.push_back(static_cast<std::uint8_t>(std::lround(255 * std::min(value, 1.0))));
    }
  }
}

void Thumbnails::add_to(Fnv& hash) const {
  if (empty()) return;
  std::vector<std::int64_t> words((colors.size() + 7) / 8, 0);
  std::memcpy(words.data(), colors.data(), colors.size());
  hash.add(words);
}

Thumbnails read_thumbnails(const distributed::Hdf5File& file, const std::string& dataset,
                           std::int64_t measures) {
  Thumbnails result;
  if (!file.has(dataset)) return result;
  const auto info = file.info(dataset);
  const auto& shape = info.shape;
  const bool bytes = info.is_integer && info.bytes_per_value == 1;
  if (!bytes || shape.size() != 4 || shape[0] != measures || shape[1] < 1 || shape[1] != shape[2] ||
      shape[3] != thumbnail_channels)
    throw UserError(
        fmt::format("{}: {} must be images of bytes [{}, side, side, {}], but has shape {}{}",
                    file.path().string(), dataset, measures, thumbnail_channels, shape_text(shape),
                    bytes ? "" : " and another type"));
  result.side = shape[1];
  result.colors = file.read<std::uint8_t>(dataset);
  return result;
}

void write_thumbnails(distributed::Hdf5File& file, const std::string& dataset,
                      const Thumbnails& thumbnails) {
  if (thumbnails.empty()) return;
  const std::int64_t side = thumbnails.side;
  const auto measures =
      static_cast<std::int64_t>(thumbnails.colors.size()) / (side * side * thumbnail_channels);
  file.write<std::uint8_t>(dataset, {measures, side, side, thumbnail_channels}, thumbnails.colors);
}

}  // namespace otfleet
