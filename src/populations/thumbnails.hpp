#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "distributed/hdf5_file.hpp"
#include "src/data/color_image.hpp"
#include "src/data/fingerprint.hpp"

namespace otfleet {

/// A rectangle of pixels of an image.
struct ImagePart {
  std::int64_t top = 0, left = 0, height = 0, width = 0;

  std::int64_t pixels() const { return height * width; }
  /// The number in the image of the part's pixel number `pixel`, both row by row.
  std::int64_t in_image(std::int64_t pixel, std::int64_t image_width) const {
    return (top + pixel / width) * image_width + left + pixel % width;
  }
};

/// Small square copies of the images that measures were made of, for models that look at images.
struct Thumbnails {
  std::int64_t side = 0;             ///< pixels; 0: there are none
  std::vector<std::uint8_t> colors;  ///< [M, side, side, 3]: red, green, blue

  bool empty() const { return side == 0; }
  /// Those of a measure [side, side, 3].
  std::span<const std::uint8_t> of(std::int64_t measure) const;
  /// Of the next measure: every pixel has the mean color of what it covers of the part, whose
  /// proportions are lost. Work: in proportion to the pixels of the part, and of the thumbnail.
  void add(const ColorImage& image, const ImagePart& part);
  void add_to(Fnv& hash) const;
};

// The dataset in a population file, uint8 [measures, side, side, 3]. Local.

/// Nothing where the file has no such dataset. Throws UserError: another type or shape.
Thumbnails read_thumbnails(const distributed::Hdf5File& file, const std::string& dataset,
                           std::int64_t measures);
void write_thumbnails(distributed::Hdf5File& file, const std::string& dataset,
                      const Thumbnails& thumbnails);

}  // namespace otfleet
