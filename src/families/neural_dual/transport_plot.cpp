#include "src/families/neural_dual/transport_plot.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "src/reports/gnuplot.hpp"

namespace otfleet {
namespace {

using Points = std::span<const double>;

constexpr std::size_t lines = 2 * grid_lines_each_way;
constexpr std::size_t grid_size = lines * grid_line_points * 2;

/// Two square panels. Points are half transparent, so that many show where they lie dense.
constexpr const char* panels =
    "set terminal pngcairo size 1120,620 font 'Sans,13' enhanced\n"
    "set size ratio -1\nunset grid\nset key at graph 0.5, graph 1.07 center horizontal maxrows 1 "
    "Left reverse samplen 1 width 1\n";
constexpr const char* source_color = "#2471a3";
constexpr const char* target_color = "#c0392b";

struct Box {
  double low[2], high[2];
};

/// The smallest box around all finite points and a margin; around 0 if there is none.
Box box_of(std::initializer_list<Points> clouds) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Box box{{infinity, infinity}, {-infinity, -infinity}};
  for (const Points points : clouds)
    for (std::size_t at = 0; at < points.size(); ++at) {
      if (!std::isfinite(points[at])) continue;
      box.low[at % 2] = std::min(box.low[at % 2], points[at]);
      box.high[at % 2] = std::max(box.high[at % 2], points[at]);
    }
  double size = 0;
  for (int axis = 0; axis < 2; ++axis) {
    if (box.low[axis] > box.high[axis]) box.low[axis] = box.high[axis] = 0;
    size = std::max(size, box.high[axis] - box.low[axis]);
  }
  const double margin = size > 0 ? 0.06 * size : 1;
  for (int axis = 0; axis < 2; ++axis) {
    box.low[axis] -= margin;
    box.high[axis] += margin;
  }
  return box;
}

/// The box around both, but not beyond half the samples' own size on every side: a map that goes
/// wrong somewhere leaves the rest to be seen.
Box box_of_image(Points samples, Points image) {
  if (samples.empty()) return box_of({image});
  const Box own = box_of({samples});
  Box box = box_of({samples, image});
  const double reach = std::max(own.high[0] - own.low[0], own.high[1] - own.low[1]) / 2;
  for (int axis = 0; axis < 2; ++axis) {
    box.low[axis] = std::max(box.low[axis], own.low[axis] - reach);
    box.high[axis] = std::min(box.high[axis], own.high[axis] + reach);
  }
  return box;
}

/// The box widened to a square, so that panels are of one shape.
std::string range(const Box& box) {
  std::ostringstream text;
  const double half = std::max(box.high[0] - box.low[0], box.high[1] - box.low[1]) / 2;
  for (int axis = 0; axis < 2; ++axis) {
    const double middle = (box.low[axis] + box.high[axis]) / 2;
    text << "set "
         << "xy"[axis] << "range [" << middle - half << ':' << middle + half << "]\n";
  }
  return text.str();
}

/// A block of data; points that are not finite are left out, and end a line. Lines of `line` points
/// are kept apart.
void write_points(std::ostringstream& script, const char* name, Points points,
                  std::size_t line = 0) {
  script << '$' << name << " << EOD\n";
  for (std::size_t k = 0; 2 * k < points.size(); ++k) {
    const bool finite = std::isfinite(points[2 * k]) && std::isfinite(points[2 * k + 1]);
    if (line > 0 && k > 0 && (k % line == 0 || !finite)) script << '\n';
    if (finite) script << points[2 * k] << ' ' << points[2 * k + 1] << '\n';
  }
  script << "EOD\n";
}

/// One entry of a plot command, with points opaque enough in the key to show their color; `alpha`
/// in hexadecimal, "00" is opaque.
std::string cloud(const char* name, double size, const char* alpha, const char* color,
                  const char* title) {
  std::ostringstream text;
  text << '$' << name << " with points pt 7 ps " << size << " lc rgb '#" << alpha << color + 1
       << "' notitle, NaN with points pt 7 ps 1.1 lc rgb '" << color << "' title '" << title
       << '\'';
  return text.str();
}

std::string begin(const std::string& title) {
  return "set multiplot layout 1,2 margins 0.05,0.985,0.07,0.86 spacing 0.06" +
         (title.empty() ? "" : " title \"" + title + "\" noenhanced") + "\n";
}

void plot_samples(const std::filesystem::path& directory, const TransportPlot& plot) {
  std::ostringstream script;
  write_points(script, "source", plot.source);
  write_points(script, "target", plot.target);
  script << panels << range(box_of({plot.source, plot.target})) << begin(plot.title) << "plot "
         << cloud("source", 0.45, "60", source_color, "source") << "\nplot "
         << cloud("target", 0.45, "60", target_color, "target") << "\nunset multiplot\n";
  draw_picture(directory / "samples.png", script.str());
}

std::filesystem::path plot_transported(const std::filesystem::path& directory,
                                       const TransportPlot& plot) {
  std::ostringstream script;
  write_points(script, "source", plot.source);
  write_points(script, "target", plot.target);
  write_points(script, "pushed", plot.pushed);
  write_points(script, "pulled", plot.pulled);
  script << panels << begin(plot.title) << range(box_of_image(plot.target, plot.pushed)) << "plot "
         << cloud("target", 0.8, "30", "#c4c4c4", "target") << ", "
         << cloud("pushed", 0.4, "50", source_color, "source, pushed") << '\n'
         << range(box_of_image(plot.source, plot.pulled)) << "plot "
         << cloud("source", 0.8, "30", "#c4c4c4", "source") << ", "
         << cloud("pulled", 0.4, "50", target_color, "target, pulled") << "\nunset multiplot\n";
  const auto picture = directory / "transported.png";
  return draw_picture(picture, script.str()) ? picture : std::filesystem::path();
}

/// Of the points of a grid those that have a sample as near as the next line is: elsewhere nothing
/// tells a map where to go.
std::vector<bool> near_samples(const std::vector<double>& grid, Points samples) {
  const Box box = box_of({samples});
  const double reach =
      std::max(box.high[0] - box.low[0], box.high[1] - box.low[1]) / (grid_lines_each_way - 1);
  std::vector<bool> near(grid.size() / 2);
  for (std::size_t k = 0; k < near.size(); ++k)
    for (std::size_t at = 0; at < samples.size() && !near[k]; at += 2)
      near[k] = std::hypot(grid[2 * k] - samples[at], grid[2 * k + 1] - samples[at + 1]) <= reach;
  return near;
}

void plot_grid(const std::filesystem::path& directory, const TransportPlot& plot) {
  auto regular = grid_lines(plot.source);
  std::vector<double> warped(plot.grid_lines.begin(), plot.grid_lines.end());
  const auto near = near_samples(regular, plot.source);
  for (std::size_t at = 0; at < regular.size(); ++at)
    if (!near[at / 2]) regular[at] = warped[at] = std::numeric_limits<double>::quiet_NaN();
  std::ostringstream script;
  write_points(script, "source", plot.source);
  write_points(script, "target", plot.target);
  write_points(script, "regular", regular, grid_line_points);
  write_points(script, "warped", warped, grid_line_points);
  const auto grid = [](const char* name, const char* title) {
    return std::string("$") + name + " with lines lw 0.8 lc rgb '#707070' title '" + title + "', ";
  };
  script << panels << begin(plot.title) << range(box_of({plot.source, regular})) << "plot "
         << grid("regular", "grid") << cloud("source", 0.45, "70", source_color, "source") << '\n'
         << range(box_of_image(plot.target, warped)) << "plot " << grid("warped", "grid, pushed")
         << cloud("target", 0.45, "70", target_color, "target") << "\nunset multiplot\n";
  draw_picture(directory / "grid.png", script.str());
}

}  // namespace

std::vector<double> grid_lines(std::span<const double> source) {
  const Box box = box_of({source});
  std::vector<double> points;
  points.reserve(grid_size);
  for (int along = 0; along < 2; ++along)
    for (int line = 0; line < grid_lines_each_way; ++line)
      for (int k = 0; k < grid_line_points; ++k) {
        const double shares[2] = {k / (grid_line_points - 1.0), line / (grid_lines_each_way - 1.0)};
        for (int axis = 0; axis < 2; ++axis)
          points.push_back(
              std::lerp(box.low[axis], box.high[axis], axis == along ? shares[0] : shares[1]));
      }
  return points;
}

std::filesystem::path plot_transport(const std::filesystem::path& directory,
                                     const TransportPlot& plot) {
  for (const Points points : {plot.source, plot.target, plot.pushed, plot.pulled})
    if (points.size() % 2 != 0) throw std::invalid_argument("points on the plane have two numbers");
  if (!plot.grid_lines.empty() && plot.grid_lines.size() != grid_size)
    throw std::invalid_argument("grid lines of another number of points");
  plot_samples(directory, plot);
  auto picture = plot_transported(directory, plot);
  if (!plot.grid_lines.empty()) plot_grid(directory, plot);
  return picture;
}

}  // namespace otfleet
