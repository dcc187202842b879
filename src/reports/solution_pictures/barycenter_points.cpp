// Barycenters whose points move on a plane: the measures of the first problem, and its barycenter.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "src/reports/gnuplot.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet::solution_pictures {
namespace {

using distributed::Hdf5File;
using distributed::Shard;

constexpr std::int64_t most_measure_clouds = 7;
constexpr std::size_t most_measure_dots = 1000;  // of a measure

/// Points [N, 2] with the sizes of their dots, by their weights, as a block of gnuplot's data; not
/// more than most_measure_dots of them.
void write_dots(std::ostringstream& script, const std::string& name,
                const std::vector<double>& points, const std::vector<double>& weights) {
  constexpr double largest = 0.9;
  const std::size_t step =
      std::max<std::size_t>((weights.size() + most_measure_dots - 1) / most_measure_dots, 1);
  const double most = *std::max_element(weights.begin(), weights.end());
  script << '$' << name << " << EOD\n";
  for (std::size_t i = 0; i < weights.size(); i += step)
    if (weights[i] > 0)
      script << points[2 * i] << ' ' << points[2 * i + 1] << ' '
             << largest * std::sqrt(weights[i] / most) << '\n';
  script << "EOD\n";
}

std::vector<double> rows_of(const Hdf5File& file, const std::string& dataset, Shard rows,
                            std::int64_t length) {
  std::vector<double> values(static_cast<std::size_t>(rows.size() * length));
  file.read_rows<double>(dataset, rows, values);
  return values;
}

/// The smallest box around all points, and a margin.
struct Box {
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};

  void add(std::size_t axis, double value) {
    low[axis] = std::min(low[axis], value);
    high[axis] = std::max(high[axis], value);
  }
  std::string range() const {
    const double margin = 0.05 * std::max({high[0] - low[0], high[1] - low[1], 1e-12});
    return fmt::format("set xrange [{}:{}]\nset yrange [{}:{}]\n", low[0] - margin,
                       high[0] + margin, low[1] - margin, high[1] + margin);
  }
};

class BarycenterPoints final : public SolutionPicture {
 public:
  const char* shows() const override {
    return "The measures of the first problem (not more than seven), and its barycenter";
  }
  bool fits(const SolvedProblems& solved) const override {
    if (!solved.solution.has("/solution/points") || !solved.solution.has("/solution/weights"))
      return false;
    const auto shape = solved.solution.info("/solution/points").shape;
    return shape.size() == 3 && shape[0] > 0 && shape[2] == 2 &&
           Hdf5File::open(solved.population).has("/measures/points");
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const auto population = Hdf5File::open(solved.population);
    const auto shape = solved.solution.info("/solution/points").shape;
    std::int64_t range[2] = {};
    population.read_rows<std::int64_t>("/problems/offsets", {0, 2}, std::span(range));
    const auto count = std::min(range[1] - range[0], most_measure_clouds);
    std::vector<std::int32_t> measures(static_cast<std::size_t>(count));
    population.read_rows<std::int32_t>("/problems/measures", {range[0], range[0] + count},
                                       measures);
    std::ostringstream script, plots;
    Box box;
    const auto add = [&](const std::string& name, const std::string& title, const char* color,
                         const std::vector<double>& points, const std::vector<double>& weights) {
      write_dots(script, name, points, weights);
      for (std::size_t at = 0; at < points.size(); ++at) box.add(at % 2, points[at]);
      plots << fmt::format(
          "set title '{}'\nplot ${} with points pt 7 ps variable lc rgb '{}' notitle\n", title,
          name, color);
    };
    for (std::size_t k = 0; k < measures.size(); ++k) {
      population.read_rows<std::int64_t>("/measures/offsets", {measures[k], measures[k] + 2},
                                         std::span(range));
      const Shard rows{range[0], range[1]};
      add(fmt::format("measure{}", k), fmt::format("measure {}", measures[k]), "#2471a3",
          rows_of(population, "/measures/points", rows, 2),
          rows_of(population, "/measures/weights", rows, 1));
    }
    add("barycenter", "barycenter", "#c0392b",
        rows_of(solved.solution, "/solution/points", {0, 1}, shape[1] * 2),
        rows_of(solved.solution, "/solution/weights", {0, 1}, shape[1]));
    const auto panels = count + 1;
    const auto columns = std::min<std::int64_t>(panels, 4);
    const auto rows = (panels + columns - 1) / columns;
    script << fmt::format(
                  "set terminal pngcairo size {},{} font 'Sans,11' enhanced\n"
                  "set multiplot layout {},{}\nset size ratio -1\nunset xtics\nunset ytics\n"
                  "unset grid\n",
                  240 * columns, 260 * rows, rows, columns)
           << box.range() << plots.str() << "unset multiplot\n";
    return draw_picture(picture, script.str());
  }
};

}  // namespace

const SolutionPicture& barycenter_points() {
  static const BarycenterPoints instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
