// Measures on a grid of one axis: the first pairs as curves, with the displacement interpolation of
// their plans between them.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "src/reports/gnuplot.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet::solution_pictures {
namespace {

using distributed::Hdf5File;

constexpr std::int64_t most_line_pairs = 3;
constexpr std::int64_t most_line_points = 3000;  // 3 · 9 million entries of plans
constexpr int frames = 5;

/// Mass at every point of the axis, at times 0 … 1: the plan's entries at (1 − t) x_i + t x_j,
/// divided among the two points beside that place in the order of the axis.
std::vector<std::vector<double>> frames_of(const std::vector<double>& axis, double epsilon,
                                           const std::vector<double>& f,
                                           const std::vector<double>& g) {
  const std::size_t n = axis.size();
  std::vector<std::vector<double>> masses(frames, std::vector<double>(n, 0.0));
  double largest = -INFINITY;
  const auto logarithm = [&](std::size_t i, std::size_t j) {
    return (f[i] + g[j] - (axis[i] - axis[j]) * (axis[i] - axis[j])) / epsilon;
  };
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const double entry = logarithm(i, j);
      if (std::isfinite(entry)) largest = std::max(largest, entry);
    }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const double mass = std::exp(logarithm(i, j) - largest);
      if (!(mass > 1e-12)) continue;
      for (int k = 0; k < frames; ++k) {
        const double place =
            std::lerp(static_cast<double>(i), static_cast<double>(j), k / (frames - 1.0));
        const auto before = std::min(static_cast<std::size_t>(place), n - 1);
        const double share = place - static_cast<double>(before);
        auto& frame = masses[static_cast<std::size_t>(k)];
        frame[before] += mass * (1 - share);
        frame[std::min(before + 1, n - 1)] += mass * share;
      }
    }
  return masses;
}

class InterpolatedLines final : public SolutionPicture {
 public:
  const char* shows() const override {
    return "The first pairs, source below and target above, and between them the displacement "
           "interpolation of their plans";
  }
  bool fits(const SolvedProblems& solved) const override {
    const auto& solution = solved.solution;
    if (!solution.has("/problems/source") || !solution.has("/solution/f") ||
        !solution.has("/solution/g"))
      return false;
    const auto shape = solution.info("/solution/f").shape;
    const auto population = Hdf5File::open(solved.population);
    return population.has("/geometry/axis_0") && !population.has("/geometry/axis_1") &&
           shape.size() == 2 && shape[0] > 0 && shape[1] > 1 && shape[1] <= most_line_points;
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const auto axis = Hdf5File::open(solved.population).read<double>("/geometry/axis_0");
    const auto pairs = std::min(solved.solution.info("/solution/f").shape[0], most_line_pairs);
    std::vector<std::int64_t> sources(static_cast<std::size_t>(pairs)), targets(sources);
    solved.solution.read_rows<std::int64_t>("/problems/source", {0, pairs}, sources);
    solved.solution.read_rows<std::int64_t>("/problems/target", {0, pairs}, targets);
    std::ostringstream script;
    script << fmt::format(
        "set terminal pngcairo size {},520 font 'Sans,12' enhanced\n"
        "set multiplot layout 1,{}\nset xlabel 'place on the axis'\nunset ytics\nunset key\n"
        "set style fill transparent solid 0.55 noborder\n",
        pairs == 1 ? 640 : 400 * pairs, pairs);
    for (std::int64_t pair = 0; pair < pairs; ++pair) {
      std::vector<double> f(axis.size()), g(axis.size());
      solved.solution.read_rows<double>("/solution/f", {pair, pair + 1}, f);
      solved.solution.read_rows<double>("/solution/g", {pair, pair + 1}, g);
      const auto masses = frames_of(axis, solved.job.problem.epsilon, f, g);
      script << fmt::format(
          "set title \"problem {}: source {} (blue, below)\\nto target {} (red, above)\"\n", pair,
          sources[static_cast<std::size_t>(pair)], targets[static_cast<std::size_t>(pair)]);
      std::string plots;
      for (int k = frames - 1; k >= 0; --k) {
        const auto& frame = masses[static_cast<std::size_t>(k)];
        const double most = *std::max_element(frame.begin(), frame.end());
        script << fmt::format("$frame{}of{} << EOD\n", k, pair);
        for (std::size_t i = 0; i < axis.size(); ++i)
          script << axis[i] << ' ' << k << ' ' << k + (most > 0 ? 1.4 * frame[i] / most : 0)
                 << '\n';
        script << "EOD\n";
        plots += fmt::format("{}$frame{}of{} using 1:2:3 with filledcurves lc rgb '{}'",
                             plots.empty() ? "" : ", ", k, pair,
                             k == 0            ? "#2471a3"
                             : k == frames - 1 ? "#c0392b"
                                               : "#999999");
      }
      script << fmt::format("set yrange [-0.1:{}]\nplot {}\n", frames + 0.5, plots);
    }
    script << "unset multiplot\n";
    return draw_picture(picture, script.str());
  }
};

}  // namespace

const SolutionPicture& interpolated_lines() {
  static const InterpolatedLines instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
