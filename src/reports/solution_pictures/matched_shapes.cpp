// Gromov–Wasserstein problems between points of the plane: both shapes of the first problems, the
// points of the source in colors, and the same colors where the plan sends them.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "src/populations/cloud_population.hpp"
#include "src/reports/gnuplot.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet::solution_pictures {
namespace {

using distributed::Hdf5File;
using distributed::Shard;

constexpr std::int64_t most_pairs_shown = 4;
constexpr std::int64_t most_points_shown = 20'000;  // of a cloud
constexpr const char* projection = "/solution/projection";

std::vector<double> read_points(const Hdf5File& file, const std::string& dataset, Shard rows) {
  std::vector<double> points(static_cast<std::size_t>(2 * rows.size()));
  file.read_rows<double>(dataset, rows, points);
  return points;
}

/// Lines of two coordinates, and for the source's points a color: the angle around their mean.
void write_points(std::ostringstream& script, const std::string& name,
                  const std::vector<double>& points, const std::vector<double>& colors_of) {
  const std::size_t count = points.size() / 2;
  double mean[2] = {0, 0};
  for (std::size_t i = 0; i < colors_of.size(); ++i)
    mean[i % 2] += 2 * colors_of[i] / static_cast<double>(colors_of.size());
  script << '$' << name << " << EOD\n";
  for (std::size_t i = 0; i < count; ++i) {
    script << points[2 * i] << ' ' << points[2 * i + 1];
    if (!colors_of.empty())
      script << ' ' << std::atan2(colors_of[2 * i + 1] - mean[1], colors_of[2 * i] - mean[0]);
    script << '\n';
  }
  script << "EOD\n";
}

class MatchedShapes final : public SolutionPicture {
 public:
  const char* shows() const override {
    return "Shapes of the first problems: points of the source in colors, and the same colors "
           "where the plan sends them, on the target in gray";
  }

  bool fits(const SolvedProblems& solved) const override {
    if (solved.job.problem.kind != ProblemKind::gromov_wasserstein) return false;
    if (!solved.solution.has(projection)) return false;
    const auto shape = solved.solution.info(projection).shape;
    return shape.at(0) > 0 && shape.at(1) == 2;
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const auto population = Hdf5File::open(solved.population);
    const auto outline = read_cloud_outline(population);
    const std::int64_t count = std::min(outline.problems(), most_pairs_shown);
    std::ostringstream script, plots;
    std::int64_t first = 0;  // of the source points in the solution
    for (std::int64_t k = 0; k < count; ++k) {
      const auto rows = [&](const CloudTable& table, std::int32_t measure) {
        const std::int64_t begin = table.offsets.at(static_cast<std::size_t>(measure));
        return Shard{begin, begin + std::min(table.size(measure), most_points_shown)};
      };
      const auto at = static_cast<std::size_t>(k);
      const Shard from = rows(outline.sources, outline.source[at]),
                  to = rows(outline.target_table(), outline.target[at]);
      const auto source = read_points(population, outline.prefix(true) + "points", from);
      const std::string number = std::to_string(k);
      write_points(script, "source" + number, source, source);
      write_points(script, "target" + number,
                   read_points(population, outline.prefix(false) + "points", to), {});
      write_points(script, "image" + number,
                   read_points(solved.solution, projection, {first, first + from.size()}), source);
      first += outline.source_points(k);
      plots << fmt::format(
          "set title \"source {0}\"\nplot $source{2} with points pt 7 ps 0.7 lc palette notitle\n"
          "set title \"target {1}\"\nplot $target{2} with points pt 7 ps 1.1 lc rgb '#c8c8c8' "
          "notitle, $image{2} with points pt 7 ps 0.6 lc palette notitle\n",
          outline.source[at], outline.target[at], number);
    }
    script << fmt::format("set terminal pngcairo size {},440 font 'Sans,11'\n", 250 * count)
           << "set palette model HSV defined (0 0 0.9 0.9, 1 1 0.9 0.9)\n"
           << "set cbrange [-3.15:3.15]\nunset colorbox\nset size ratio -1\nunset tics\n"
           << "set border lc rgb '#d0d0d0'\n"
           << fmt::format("set multiplot layout 2,{} columnsfirst\n", count) << plots.str()
           << "unset multiplot\n";
    return draw_picture(picture, script.str());
  }
};

}  // namespace

const SolutionPicture& matched_shapes() {
  static const MatchedShapes instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
