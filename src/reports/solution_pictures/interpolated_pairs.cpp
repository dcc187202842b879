// Measures on a grid of two axes: displacement interpolation of the first pairs.
#include <algorithm>
#include <cmath>

#include "src/populations/population_parts.hpp"
#include "src/reports/interpolation.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet::solution_pictures {
namespace {

constexpr std::int64_t most_image_pairs = 4;
/// Entries of all plans that are looked at: below a second.
constexpr std::int64_t most_image_entries = 20'000'000;

/// Potentials of a problem on n points each.
PictureRow read_row(const distributed::Hdf5File& solution, std::int64_t problem, std::int64_t n) {
  PictureRow row;
  for (const auto& [name, values] : {std::pair{"/solution/f", &row.f}, {"/solution/g", &row.g}}) {
    values->resize(static_cast<std::size_t>(n));
    solution.read_rows<double>(name, {problem, problem + 1}, *values);
  }
  return row;
}

/// Points with weight of one side times those of the other.
std::int64_t entries_of(const PictureRow& row) {
  const auto finite = [](const std::vector<double>& values) {
    return std::count_if(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  };
  return finite(row.f) * finite(row.g);
}

/// [P, n] of both sides' potentials; 0 where the solution has none, or of other shapes.
std::int64_t points_of(const distributed::Hdf5File& solution) {
  if (!solution.has("/problems/source") || !solution.has("/solution/f") ||
      !solution.has("/solution/g"))
    return 0;
  const auto shape = solution.info("/solution/f").shape;
  if (shape.size() != 2 || shape[0] == 0 || shape != solution.info("/solution/g").shape) return 0;
  return shape[1];
}

class InterpolatedPairs final : public SolutionPicture {
 public:
  const char* shows() const override {
    return "Displacement interpolation of the first pairs, by their solved plans";
  }
  bool fits(const SolvedProblems& solved) const override {
    const auto points = points_of(solved.solution);
    if (points == 0) return false;
    const auto population = distributed::Hdf5File::open(solved.population);
    if (!population.has("/geometry/axis_1") || population.has("/geometry/axis_2")) return false;
    const auto entries = entries_of(read_row(solved.solution, 0, points));
    return entries > 0 && entries <= most_image_entries;
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const auto points = points_of(solved.solution);
    const auto problems = solved.solution.info("/solution/f").shape[0];
    Geometry geometry;
    read_geometry(distributed::Hdf5File::open(solved.population), geometry);
    std::vector<PictureRow> rows;
    std::int64_t entries = 0;
    for (std::int64_t k = 0; k < std::min(problems, most_image_pairs); ++k) {
      auto row = read_row(solved.solution, k, points);
      entries += entries_of(row);
      if (!rows.empty() && entries > most_image_entries) break;
      rows.push_back(std::move(row));
    }
    draw_interpolations(picture, geometry, solved.job.problem.epsilon, rows);
    return true;
  }
};

}  // namespace

const SolutionPicture& interpolated_pairs() {
  static const InterpolatedPairs instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
