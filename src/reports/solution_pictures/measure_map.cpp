// All pairs of measures on a grid of two axes: each drawn at its place in the plane, where
// distances are near to those of transport.
#include <algorithm>
#include <cmath>

#include "src/data/checked_hdf5.hpp"
#include "src/reports/distance_matrix.hpp"
#include "src/reports/image_table.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet::solution_pictures {
namespace {

/// More images hide each other, and the matrix would take seconds.
constexpr std::int64_t fewest = 3, most = 2000;

/// /measures/weights [M, points] on a grid [height, width].
bool has_images(const distributed::Hdf5File& population) {
  return population.has("/measures/weights") && population.has("/geometry/axis_1") &&
         !population.has("/geometry/axis_2");
}

class MeasureMap final : public SolutionPicture {
 public:
  const char* shows() const override {
    return "Every measure at its place in the plane, where distances come nearest to the square "
           "roots of the transport costs (classical scaling)";
  }
  bool fits(const SolvedProblems& solved) const override {
    return measures_of_all_pairs(solved.solution, most) >= fewest &&
           has_images(distributed::Hdf5File::open(solved.population));
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const auto measures = measures_of_all_pairs(solved.solution, most);
    const auto population = distributed::Hdf5File::open(solved.population);
    const auto height = static_cast<int>(population.info("/geometry/axis_0").shape[0]);
    const auto width = static_cast<int>(population.info("/geometry/axis_1").shape[0]);
    std::vector<std::int64_t> shape;
    const auto weights = read_numbers(population, "/measures/weights", 2, shape);
    const auto places = classical_scaling(read_matrix(solved.solution, "transport_cost", measures));
    std::vector<PlacedImage> images;
    for (std::int64_t k = 0; k < measures; ++k) {
      const auto begin = weights.begin() + k * shape[1];
      const auto at = static_cast<std::size_t>(2 * k);
      images.push_back({{begin, begin + shape[1]}, places[at], places[at + 1]});
    }
    draw_placed_images(picture, height, width, images);
    return true;
  }
};

}  // namespace

const SolutionPicture& measure_map() {
  static const MeasureMap instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
