// Paths of least action in the plane, over what they avoid or follow.
#include <algorithm>
#include <cmath>
#include <sstream>

#include "src/families/least_action/cheap_direction.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/reports/gnuplot.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet::solution_pictures {
namespace {

constexpr std::int64_t most_drawn_paths = 120;
constexpr int barrier_steps = 160;  // along each axis
constexpr int steps_between_nodes = 6;

/// The part of the plane that a picture shows.
struct Window {
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};

  void include(double x, double y) {
    low[0] = std::min(low[0], x);
    high[0] = std::max(high[0], x);
    low[1] = std::min(low[1], y);
    high[1] = std::max(high[1], y);
  }
  double at(int axis, double share) const { return low[axis] + share * (high[axis] - low[axis]); }
};

/// Points of the natural cubic spline through the nodes of a path, [nodes, 2] and [points, 2].
std::vector<double> points_through(const std::vector<double>& nodes) {
  const std::size_t count = nodes.size() / 2;
  std::vector<double> points((count - 1) * steps_between_nodes * 2 + 2);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const auto node = [&](std::size_t i) { return nodes[2 * i + axis]; };
    // Second derivatives, in steps of time; 0 at both ends.
    std::vector<double> bend(count, 0.0), share(count, 0.0);
    for (std::size_t i = 1; i + 1 < count; ++i) {
      share[i] = 1 / (4 - share[i - 1]);
      bend[i] = share[i] * (6 * (node(i - 1) - 2 * node(i) + node(i + 1)) - bend[i - 1]);
    }
    for (std::size_t i = count - 2; i > 0; --i) bend[i] -= share[i] * bend[i + 1];
    for (std::size_t k = 0; 2 * k < points.size(); ++k) {
      const std::size_t cell = std::min(k / steps_between_nodes, count - 2);
      const double b = static_cast<double>(k) / steps_between_nodes - static_cast<double>(cell),
                   a = 1 - b;
      points[2 * k + axis] = a * node(cell) + b * node(cell + 1) +
                             ((a * a * a - a) * bend[cell] + (b * b * b - b) * bend[cell + 1]) / 6;
    }
  }
  return points;
}

/// Writes a block of data; false: nothing of it is above zero.
bool write_barrier(const kernels::Lagrangian& lagrangian, const Window& window,
                   std::ostream& script) {
  bool any = false;
  script << "$barrier << EOD\n";
  for (int i = 0; i <= barrier_steps; ++i) {
    for (int j = 0; j <= barrier_steps; ++j) {
      const double x[2] = {window.at(0, i / double(barrier_steps)),
                           window.at(1, j / double(barrier_steps))};
      const double still[2] = {0, 0}, height = lagrangian_at(lagrangian, x, still, 2);
      any |= height > 0;
      script << x[0] << ' ' << x[1] << ' ' << height << '\n';
    }
    script << '\n';
  }
  script << "EOD\n";
  return any;
}

class Paths final : public SolutionPicture {
 public:
  const char* shows() const override { return "Paths, over what they avoid or follow"; }
  bool fits(const SolvedProblems& solved) const override {
    if (!solved.solution.has("/solution/path")) return false;
    const auto shape = solved.solution.info("/solution/path").shape;
    return shape.size() == 3 && shape[0] > 0 && shape[2] == 2;
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const auto lagrangian = read_lagrangian(solved.job.lagrangian);
    const auto shape = solved.solution.info("/solution/path").shape;
    const std::int64_t count = shape[0], nodes = shape[1];
    const std::int64_t taken = std::min(count, most_drawn_paths);
    Window window;
    std::ostringstream lines, ends, script;
    for (auto* stream : {&lines, &ends, &script}) stream->precision(10);
    for (std::int64_t k = 0; k < taken; ++k) {
      const std::int64_t row = k * count / taken;
      std::vector<double> path(static_cast<std::size_t>(2 * nodes));
      solved.solution.read_rows<double>("/solution/path", {row, row + 1}, path);
      const auto points = points_through(path);
      for (std::size_t at = 0; at < points.size(); at += 2) {
        window.include(points[at], points[at + 1]);
        lines << points[at] << ' ' << points[at + 1] << '\n';
      }
      lines << '\n';
      const auto last = static_cast<std::size_t>(2 * nodes - 2);
      ends << path[0] << ' ' << path[1] << ' ' << path[last] << ' ' << path[last + 1] << '\n';
    }
    const double extent = std::max(window.high[0] - window.low[0], window.high[1] - window.low[1]);
    const double margin = extent > 0 ? 0.06 * extent : 1;
    for (int axis = 0; axis < 2; ++axis) {
      window.low[axis] -= margin;
      window.high[axis] += margin;
    }
    // As high as the plane's part is, with room for the labels.
    const double ratio = (window.high[1] - window.low[1]) / (window.high[0] - window.low[0]);
    const int height = static_cast<int>(std::clamp(680 * ratio + 100, 300.0, 760.0));
    const bool barrier = write_barrier(lagrangian, window, script);
    const bool field = write_directions(lagrangian, window.low, window.high, script);
    script << "$paths << EOD\n"
           << lines.str() << "EOD\n$ends << EOD\n"
           << ends.str() << "EOD\n"
           << "set terminal pngcairo size 900," << height
           << " font 'Sans,12' enhanced\nset size ratio -1\n"
           << "set xrange [" << window.low[0] << ':' << window.high[0] << "]\nset yrange ["
           << window.low[1] << ':' << window.high[1] << "]\nset cbrange [0:*]\n"
           << "set palette defined (0 'white', 1 '#9aa3ad')\nset cblabel 'barrier'\nunset key\n"
           << "set xlabel 'first coordinate'\nset ylabel 'second coordinate'\n"
           << "plot " << (barrier ? "$barrier with image, " : "")
           << (field ? "$directions using 1:2:3:4 with vectors nohead lw 1 lc rgb '#a0a0a0', " : "")
           << "$paths with lines lw 1 lc rgb color(1), "
           << "$ends using 1:2 with points pt 7 ps 0.6 lc rgb color(2), "
           << "$ends using 3:4 with points pt 7 ps 0.6 lc rgb color(3)\n";
    return draw_picture(picture, script.str());
  }
};

}  // namespace

const SolutionPicture& paths() {
  static const Paths instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
