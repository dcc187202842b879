// Barycenters on a grid of two axes: the measures of the first problems, and their barycenters.
#include <algorithm>

#include "src/populations/population_parts.hpp"
#include "src/reports/image_table.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet::solution_pictures {
namespace {

using distributed::Hdf5File;

constexpr std::int64_t most_problems = 6, most_measure_images = 7;

std::vector<double> row_of(const Hdf5File& file, const std::string& dataset, std::int64_t row,
                           std::int64_t length) {
  std::vector<double> values(static_cast<std::size_t>(length));
  file.read_rows<double>(dataset, {row, row + 1}, values);
  return values;
}

class BarycenterImages final : public SolutionPicture {
 public:
  const char* shows() const override {
    return "Measures of the first problems (not more than seven of each), and, at the end of a "
           "row, their barycenter";
  }
  bool fits(const SolvedProblems& solved) const override {
    if (!solved.solution.has("/solution/weights") || solved.solution.has("/solution/points"))
      return false;
    const auto population = Hdf5File::open(solved.population);
    return population.has("/measures/weights") && population.has("/problems/measures") &&
           population.has("/geometry/axis_1") && !population.has("/geometry/axis_2") &&
           solved.solution.info("/solution/weights").shape.at(0) > 0;
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const auto population = Hdf5File::open(solved.population);
    Geometry geometry;
    read_geometry(population, geometry);
    const auto shape = solved.solution.info("/solution/weights").shape;
    const auto points = shape.at(1);
    const auto problems = std::min(shape[0], most_problems);
    std::vector<std::int64_t> offsets(static_cast<std::size_t>(problems) + 1);
    population.read_rows<std::int64_t>("/problems/offsets", {0, problems + 1}, offsets);
    std::int64_t columns = 0;
    for (std::size_t k = 0; k + 1 < offsets.size(); ++k)
      columns = std::max(columns, std::min(offsets[k + 1] - offsets[k], most_measure_images));
    std::vector<std::vector<GridImage>> rows;
    for (std::int64_t k = 0; k < problems; ++k) {
      const auto begin = offsets[static_cast<std::size_t>(k)];
      const auto count =
          std::min(offsets[static_cast<std::size_t>(k) + 1] - begin, most_measure_images);
      std::vector<std::int32_t> measures(static_cast<std::size_t>(count));
      population.read_rows<std::int32_t>("/problems/measures", {begin, begin + count}, measures);
      auto& row = rows.emplace_back();
      for (const std::int32_t measure : measures)
        row.push_back(row_of(population, "/measures/weights", measure, points));
      row.resize(static_cast<std::size_t>(columns) + 1);  // and a white place
      row.push_back(row_of(solved.solution, "/solution/weights", k, points));
    }
    draw_images(picture, static_cast<int>(geometry.axes[0].size()),
                static_cast<int>(geometry.axes[1].size()), rows);
    return true;
  }
};

}  // namespace

const SolutionPicture& barycenter_images() {
  static const BarycenterImages instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
