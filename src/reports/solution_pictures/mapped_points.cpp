// Points of a plane that went through a map, the first one of several: where each goes.
#include <algorithm>
#include <sstream>

#include "src/data/array_file.hpp"
#include "src/reports/gnuplot.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet::solution_pictures {
namespace {

constexpr std::int64_t most_mapped_points = 2'000'000;  // more are not read
constexpr std::int64_t most_mapped_dots = 2000, most_map_arrows = 100;

class MappedPoints final : public SolutionPicture {
 public:
  const char* shows() const override { return "Points, and where the map takes them"; }
  bool fits(const SolvedProblems& solved) const override {
    if (solved.job.map.points.empty() || !solved.solution.has("/solution/image")) return false;
    const auto shape = solved.solution.info("/solution/image").shape;  // [N, D], or [P, N, D]
    if (shape.size() < 2 || shape.size() > 3 || shape.front() < 1 || shape.back() != 2)
      return false;
    const std::int64_t count = shape[shape.size() - 2];
    return count > 0 && count <= most_mapped_points;
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const auto points = read_points(solved.job.map.points, "point").values;
    const auto count = static_cast<std::int64_t>(points.size() / 2);
    std::vector<double> images(points.size());
    const bool several = solved.solution.info("/solution/image").shape.size() == 3;
    solved.solution.read_rows<double>("/solution/image", {0, several ? 1 : count}, images);
    std::ostringstream script;
    const auto write = [&](const char* name, std::int64_t most, bool from, bool to) {
      script << '$' << name << " << EOD\n";
      const std::int64_t taken = std::min(count, most);
      for (std::int64_t k = 0; k < taken; ++k) {
        const auto at = static_cast<std::size_t>(2 * (k * count / taken));
        if (from) script << points[at] << ' ' << points[at + 1] << ' ';
        if (from && to)
          script << images[at] - points[at] << ' ' << images[at + 1] - points[at + 1];
        else if (to)
          script << images[at] << ' ' << images[at + 1];
        script << '\n';
      }
      script << "EOD\n";
    };
    write("points", most_mapped_dots, true, false);
    write("images", most_mapped_dots, false, true);
    write("map", most_map_arrows, true, true);
    script << "set terminal pngcairo size 900,760 font 'Sans,12' enhanced\nset size ratio -1\n"
           << "set key outside right top\n"
           << "set xlabel 'first coordinate'\nset ylabel 'second coordinate'\n"
           << "plot $map with vectors head size graph 0.008,20 filled lw 0.7 lc rgb '#70707070' "
              "title 'map', $points with points pt 7 ps 0.5 lc rgb color(2) title 'point', "
              "$images with points pt 7 ps 0.5 lc rgb color(1) title 'image'\n";
    return draw_picture(picture, script.str());
  }
};

}  // namespace

const SolutionPicture& mapped_points() {
  static const MappedPoints instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
