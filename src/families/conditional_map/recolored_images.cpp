#include "src/families/conditional_map/recolored_images.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "distributed/error.hpp"
#include "kernels/counter_random.hpp"
#include "src/data/color_image.hpp"

namespace otfleet {
namespace {

constexpr std::uint64_t spread_numbers = 0x737072656164;
/// Pixels that are mapped together.
constexpr std::int64_t pixels_at_once = 65536;

}  // namespace

RecoloredImages::RecoloredImages(const Job& job, const CloudPopulation& population,
                                 std::filesystem::path population_file,
                                 const std::filesystem::path& output)
    : job_(job),
      population_(population),
      population_file_(std::move(population_file)),
      folder_(output / "images") {
  if (population.dimension != 3)
    throw UserError(
        fmt::format("{}: has points of {} coordinates; map.images is for colors, which "
                    "have three",
                    population_file_.string(), population.dimension));
  for (const CloudTable* table : {&population.sources, &population.target_table()})
    if (table->names.empty())
      throw UserError(population_file_.string() +
                      ": its measures have no names, which map.images looks for; make it with "
                      "make.pixels");
  for (std::int32_t k = 0; k < population.problems(); ++k)
    image_of(name_of(k, job.map.direction == MapDirection::forward));
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    throw UserError(fmt::format("{}: cannot be made: {}", folder_.string(), error.message()));
}

std::string RecoloredImages::name_of(std::int32_t problem, bool source) const {
  const auto at = static_cast<std::size_t>(problem);
  const auto measure = source ? population_.source[at] : population_.target[at];
  const CloudTable& table = source ? population_.sources : population_.target_table();
  return std::filesystem::path(table.names[static_cast<std::size_t>(measure)]).filename().string();
}

std::filesystem::path RecoloredImages::image_of(const std::string& name) const {
  const auto& images = job_.map.images;
  std::error_code ignored;
  const auto file = std::filesystem::is_directory(images, ignored) ? images / name : images;
  if (file.filename() != name || !std::filesystem::is_regular_file(file, ignored))
    throw UserError(
        fmt::format("{}: has no image '{}', a measure of {}; name the folder that "
                    "make.pixels read with map.images",
                    images.string(), name, population_file_.string()));
  return file;
}

void RecoloredImages::write(std::int32_t problem, ProblemMap& map) const {
  const bool forward = job_.map.direction == MapDirection::forward;
  const ColorImage image = read_color_image(image_of(name_of(problem, forward)));
  const kernels::CounterRandom random(static_cast<std::uint64_t>(job_.seed),
                                      spread_numbers + static_cast<std::uint64_t>(problem));
  const auto numbers = static_cast<std::size_t>(3 * image.pixels());
  std::vector<double> colors(numbers);
  for (std::size_t at = 0; at < numbers; ++at)
    colors[at] = image.color(static_cast<std::int64_t>(at / 3), static_cast<int>(at % 3)) +
                 (random.uniform(at) - 0.5) / image.white;
  for (std::size_t begin = 0; begin < numbers; begin += 3 * pixels_at_once) {
    const auto some = std::span(colors).subspan(
        begin, std::min<std::size_t>(3 * pixels_at_once, numbers - begin));
    const auto mapped = forward ? map.forward(some, false) : map.backward(some);
    std::copy(mapped.image.begin(), mapped.image.end(), some.begin());
  }
  for (std::size_t at = 0; at < numbers; ++at) {
    if (!std::isfinite(colors[at])) colors[at] = 0;
    colors[at] += (random.uniform(numbers + at) - 0.5) / 255;
  }
  const auto stem = [&](bool source) {
    return std::filesystem::path(name_of(problem, source)).stem().string();
  };
  write_color_png(
      folder_ / fmt::format("{:04}-{}-as-{}.png", problem, stem(forward), stem(!forward)),
      color_image(image.height, image.width, colors));
}

}  // namespace otfleet
