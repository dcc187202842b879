#pragma once
#include <spdlog/fmt/fmt.h>

#include <cstdint>
#include <filesystem>

#include "src/memory/available_memory.hpp"

namespace otfleet {

/// Throws UserError that names the file unless there is memory for an image of which a row takes so
/// many bytes. The header of a small file may ask for any amount. Local.
inline void require_image_memory(const std::filesystem::path& file, std::int64_t height,
                                 std::int64_t width, double bytes_of_row) {
  constexpr double small = 1 << 24;  // asking costs more than reading a small image
  const double bytes = static_cast<double>(height) * bytes_of_row;
  if (bytes > small)
    require_memory(file.string(),
                   {{fmt::format("an image of {} x {} pixels", height, width), bytes}}, 1,
                   "make the image smaller");
}

}  // namespace otfleet
