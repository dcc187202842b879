#include "src/populations/contexts.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>
#include <span>

#include "distributed/error.hpp"
#include "src/data/checked_hdf5.hpp"

namespace otfleet {
namespace {

constexpr const char *context_dataset = "/problems/context", *image_dataset = "/problems/image";

void check_rows(const std::string& name, const char* dataset, std::span<const double> values,
                std::int64_t rows, std::int64_t width, const char* of) {
  if (static_cast<std::int64_t>(values.size()) != rows * width)
    throw UserError(fmt::format("{}: {} has {} rows for {} {}", name, dataset,
                                static_cast<std::int64_t>(values.size()) / width, rows, of));
  for (std::size_t at = 0; at < values.size(); ++at)
    if (!std::isfinite(values[at]))
      throw UserError(fmt::format("{}: {} holds {} in row {}", name, dataset, values[at],
                                  static_cast<std::int64_t>(at) / width));
}

}  // namespace

Contexts read_contexts(const distributed::Hdf5File& file) {
  if (!file.has(context_dataset)) return {};
  std::vector<std::int64_t> shape;
  Contexts contexts;
  contexts.values = read_numbers(file, context_dataset, 2, shape);
  contexts.width = shape[1];
  if (contexts.width < 1)
    throw UserError(fmt::format("{}: {} has no columns", file.path().string(), context_dataset));
  return contexts;
}

std::vector<double> read_images(const distributed::Hdf5File& file, std::int64_t dimension) {
  if (!file.has(image_dataset)) return {};
  std::vector<std::int64_t> shape;
  auto images = read_numbers(file, image_dataset, 2, shape);
  if (shape[1] != dimension)
    throw UserError(fmt::format("{}: {} has rows of {} coordinates, points have {}",
                                file.path().string(), image_dataset, shape[1], dimension));
  return images;
}

void write_contexts(distributed::Hdf5File& file, const Contexts& contexts) {
  if (contexts.width == 0) return;
  file.write<double>(
      context_dataset,
      {static_cast<std::int64_t>(contexts.values.size()) / contexts.width, contexts.width},
      contexts.values);
}

void write_images(distributed::Hdf5File& file, const std::vector<double>& images,
                  std::int64_t dimension) {
  if (images.empty()) return;
  file.write<double>(image_dataset,
                     {static_cast<std::int64_t>(images.size()) / dimension, dimension}, images);
}

void check_contexts(const std::string& name, const Contexts& contexts, std::int64_t problems) {
  if (contexts.width > 0)
    check_rows(name, context_dataset, contexts.values, problems, contexts.width, "problems");
}

void check_images(const std::string& name, const std::vector<double>& images, std::int64_t points,
                  std::int64_t dimension) {
  if (!images.empty())
    check_rows(name, image_dataset, images, points, dimension, "source points of all problems");
}

}  // namespace otfleet
