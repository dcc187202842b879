#pragma once
#include <cstdint>
#include <filesystem>

#include "src/families/conditional_map/conditional_model.hpp"
#include "src/job.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// Images whose pixels a problem's map takes to other colors, at full size: of problems between
/// clouds of colors that have the images' names. Keeps references. Local.
class RecoloredImages {
 public:
  /// The folder of images, or the one image, is job.map.images; what is written goes to images/ of
  /// `output`, which is made. Throws UserError that says what is missing: points of three
  /// coordinates, names, an image of a name.
  RecoloredImages(const Job& job, const CloudPopulation& population,
                  std::filesystem::path population_file, const std::filesystem::path& output);

  /// Reads the image of the problem's source (map.direction = "backward": of its target), maps
  /// every pixel, and writes `0007-SOURCE-as-TARGET.png`. Colors are spread by half a step before
  /// and after, so that flat areas get no bands. Memory: 32 bytes a pixel.
  void write(std::int32_t problem, ProblemMap& map) const;

 private:
  std::string name_of(std::int32_t problem, bool source) const;
  std::filesystem::path image_of(const std::string& name) const;

  const Job& job_;
  const CloudPopulation& population_;
  std::filesystem::path population_file_, folder_;
};

}  // namespace otfleet
