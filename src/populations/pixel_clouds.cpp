#include "src/populations/pixel_clouds.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "distributed/error.hpp"
#include "kernels/counter_random.hpp"
#include "src/data/color_image.hpp"
#include "src/data/image_files.hpp"
#include "src/memory/available_memory.hpp"
#include "src/populations/ground_cost.hpp"

namespace otfleet {
namespace {

// Never change this: it is part of what a seed means.
constexpr std::uint64_t pixel_stream = 11;  // and the three after it
constexpr std::uint64_t crop_stream = 0x63726f70;

constexpr std::int64_t channels = 3;

/// `wanted` different numbers in {0, …, all − 1} in random order, or all of them in theirs.
std::vector<std::int32_t> draw_pixels(const kernels::CounterRandom& random, std::size_t image,
                                      std::int64_t all, std::int64_t wanted) {
  std::vector<std::int32_t> pixels(static_cast<std::size_t>(all));
  std::iota(pixels.begin(), pixels.end(), 0);
  if (wanted >= all) return pixels;
  for (std::int64_t k = 0; k < wanted; ++k) {
    const std::uint64_t counter = std::uint64_t{image} << 32 | static_cast<std::uint64_t>(k);
    const auto other =
        k + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(all - k), counter));
    std::swap(pixels[static_cast<std::size_t>(k)], pixels[static_cast<std::size_t>(other)]);
  }
  pixels.resize(static_cast<std::size_t>(wanted));
  return pixels;
}

/// Of sides between a quarter and all of the image's.
ImagePart random_crop(const ColorImage& image, const kernels::CounterRandom& random,
                      std::uint64_t crop) {
  const auto side = [&](std::int64_t all, std::uint64_t number) {
    const double share = 0.25 + 0.75 * random.uniform(4 * crop + number);
    return std::clamp<std::int64_t>(std::llround(share * static_cast<double>(all)), 1, all);
  };
  const auto begin = [&](std::int64_t room, std::uint64_t number) {
    return static_cast<std::int64_t>(
        random.below(static_cast<std::uint64_t>(room + 1), 4 * crop + number));
  };
  ImagePart result;
  result.height = side(image.height, 0);
  result.width = side(image.width, 1);
  result.top = begin(image.height - result.height, 2);
  result.left = begin(image.width - result.width, 3);
  return result;
}

/// For so many points more.
void make_room(CloudTable& table, std::int64_t points, const std::string& name) {
  const std::size_t needed = table.weights.size() + static_cast<std::size_t>(points);
  if (needed <= table.weights.capacity()) return;
  const std::size_t room = std::max(needed, 2 * table.weights.capacity());
  require_memory(name,
                 {{fmt::format("the colors of {} pixels", room),
                   static_cast<double>(room * (channels + 1) * 8)}},
                 1, "fewer images or a smaller make.pixels are needed");
  table.weights.reserve(room);
  table.points.reserve(room * channels);
}

void check_source(const MeasureSource& source) {
  for (const auto* extra : {&source.weights, &source.groups})
    if (!extra->empty())
      throw UserError(name_of(*extra) +
                      ": with make.pixels every image is a measure, and its pixels weigh the same; "
                      "leave weights and groups out");
  if (!source.dataset.empty())
    throw UserError(name_of(source) + ": a dataset is named, but images have none");
}

/// One image in memory at a time. `crops` of each.
CloudTable read_pixel_clouds(const MeasureSource& source, const MakeOptions& make,
                             std::int64_t crops, const kernels::CounterRandom& random,
                             const kernels::CounterRandom& crop_random,
                             const kernels::GroundCost& cost) {
  check_source(source);
  const auto files =
      images_at(source.file, {".png", ".jpg", ".jpeg"}, "name an image, or a folder of images");
  CloudTable table;
  table.thumbnails.side = make.thumbnails;
  const auto add = [&](const std::string& file, const ColorImage& image, const ImagePart& part,
                       std::size_t number, std::string name) {
    const auto drawn = draw_pixels(random, number, part.pixels(), make.pixels);
    const auto count = static_cast<std::int64_t>(drawn.size());
    make_room(table, count, source.file.string());
    for (const auto pixel : drawn)
      for (int channel = 0; channel < channels; ++channel)
        table.points.push_back(image.color(part.in_image(pixel, image.width), channel));
    check_cost_takes(file + ":", cost,
                     std::span(table.points).last(static_cast<std::size_t>(count * channels)),
                     channels, "drawn pixel");
    table.weights.insert(table.weights.end(), drawn.size(), 1 / static_cast<double>(count));
    table.offsets.push_back(table.offsets.back() + count);
    table.names.push_back(std::move(name));
    if (make.thumbnails > 0) table.thumbnails.add(image, part);
  };
  for (std::size_t s = 0; s < files.size(); ++s) {
    const ColorImage image = read_color_image(files[s]);
    add(files[s].string(), image, {0, 0, image.height, image.width}, s,
        files[s].filename().string());
  }
  for (std::size_t s = 0; crops > 0 && s < files.size(); ++s) {
    const ColorImage image = read_color_image(files[s]);
    for (std::int64_t k = 0; k < crops; ++k) {
      const std::size_t crop = s * static_cast<std::size_t>(crops) + static_cast<std::size_t>(k);
      add(files[s].string(), image, random_crop(image, crop_random, crop), files.size() + crop,
          fmt::format("{}#{}", files[s].filename().string(), k + 1));
    }
  }
  return table;
}

}  // namespace

CloudPopulation build_pixel_clouds(const Job& job, Split split) {
  const bool train = split == Split::train;
  CloudPopulation population;
  population.ground_cost = with_parameters(*job.problem.cost, job.problem.cost_parameters);
  population.dimension = channels;
  const auto read = [&](const MeasureSource& side, bool source) {
    const std::uint64_t stream = pixel_stream + (train ? 0 : 2) + (source ? 0 : 1);
    const auto seed = static_cast<std::uint64_t>(job.seed);
    return read_pixel_clouds(side, job.make, train ? job.make.crops : 0, {seed, stream},
                             {seed, crop_stream + stream}, population.ground_cost);
  };
  population.sources = read(train ? job.data.train : job.data.test, true);
  const auto& target = train ? job.data.train_target : job.data.test_target;
  population.shared_measures = target.empty();
  if (!target.empty()) population.targets = read(target, false);
  return population;
}

}  // namespace otfleet
