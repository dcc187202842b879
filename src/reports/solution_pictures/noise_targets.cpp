// Noise transported to points of two coordinates or more: of the first problems, samples of the
// noise and the points, each sample in the color of the point it goes to.
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

constexpr std::int64_t most_targets_shown = 3, samples_shown = 6000;

/// A color for each direction around the mean, paler near it: 0xRRGGBB.
int color_of(double x, double y, double reach) {
  const double turn = std::atan2(y, x) / (2 * M_PI) + 0.5,
               strength = reach > 0 ? std::min(std::hypot(x, y) / reach, 1.0) : 0;
  int color = 0;
  for (const double offset : {0.0, 1.0 / 3, 2.0 / 3}) {
    const double wave = 0.5 + 0.5 * std::cos(2 * M_PI * (turn - offset));
    color = 256 * color + static_cast<int>(230 * (1 - strength + strength * wave));
  }
  return color;
}

class NoiseTargets final : public SolutionPicture {
 public:
  const char* shows() const override {
    return "Noise of the first problems, above, and the points it is transported to, below: each "
           "sample has the color of its point";
  }

  bool fits(const SolvedProblems& solved) const override {
    return solved.job.problem.kind == ProblemKind::semidiscrete &&
           solved.solution.has("/solution/noise") &&
           solved.solution.info("/solution/noise").shape.at(2) >= 2;
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const auto population = Hdf5File::open(solved.population);
    const auto outline = read_cloud_outline(population);
    const auto& targets = outline.target_table();
    const auto shape = solved.solution.info("/solution/noise").shape;
    const auto samples = static_cast<std::size_t>(shape[1]), d = static_cast<std::size_t>(shape[2]);
    const std::int64_t count = std::min(outline.problems(), most_targets_shown);
    std::ostringstream script, above, below;
    for (std::int64_t k = 0; k < count; ++k) {
      const auto measure = static_cast<std::size_t>(outline.target[static_cast<std::size_t>(k)]);
      const Shard rows{targets.offsets.at(measure), targets.offsets.at(measure + 1)};
      const auto m = static_cast<std::size_t>(rows.size());
      std::vector<double> points(m * d), weights(m), noise(samples * d);
      std::vector<std::int32_t> assigned(samples);
      population.read_rows<double>(outline.prefix(false) + "points", rows, points);
      population.read_rows<double>(outline.prefix(false) + "weights", rows, weights);
      solved.solution.read_rows<double>("/solution/noise", {k, k + 1}, noise);
      solved.solution.read_rows<std::int32_t>("/solution/assignment", {k, k + 1}, assigned);
      double mass = 0, center[2] = {0, 0}, reach = 0;
      for (std::size_t j = 0; j < m; ++j) {
        mass += weights[j];
        for (std::size_t c = 0; c < 2; ++c) center[c] += weights[j] * points[j * d + c];
      }
      for (double& one : center) one /= mass;
      std::vector<int> colors(m);
      const auto from_center = [&](std::size_t j, std::size_t c) {
        return points[j * d + c] - center[c];
      };
      for (std::size_t j = 0; j < m; ++j)
        if (weights[j] > 0)
          reach = std::max(reach, std::hypot(from_center(j, 0), from_center(j, 1)));
      const double heaviest = *std::max_element(weights.begin(), weights.end());
      const std::string number = std::to_string(k);
      script << "$points" << number << " << EOD\n";
      for (std::size_t j = 0; j < m; ++j) {
        colors[j] = color_of(from_center(j, 0), from_center(j, 1), reach);
        if (weights[j] > 0)
          script << points[j * d] << ' ' << points[j * d + 1] << ' ' << colors[j] << ' '
                 << std::sqrt(weights[j] / heaviest) << '\n';
      }
      script << "EOD\n$noise" << number << " << EOD\n";
      const std::size_t step = std::max<std::size_t>(samples / samples_shown, 1);
      for (std::size_t i = 0; i < samples; i += step)
        script << noise[i * d] << ' ' << noise[i * d + 1] << ' '
               << colors.at(static_cast<std::size_t>(assigned[i])) << '\n';
      script << "EOD\n";
      above << "set title \"noise\"\nplot $noise" << number
            << " with points pt 7 ps 0.35 lc rgb variable notitle\n";
      below << fmt::format(
          "set title \"target {}\"\n"
          "plot $points{} using 1:2:(1.3*$4):3 with points pt 7 ps variable lc rgb variable "
          "notitle\n",
          measure, number);
    }
    script << fmt::format("set terminal pngcairo size {},720 font 'Sans,11'\n", 360 * count)
           << "set size ratio -1\nunset tics\nset border lc rgb '#d0d0d0'\n"
           << fmt::format("set multiplot layout 2,{}\n", count) << above.str() << below.str()
           << "unset multiplot\n";
    return draw_picture(picture, script.str());
  }
};

}  // namespace

const SolutionPicture& noise_targets() {
  static const NoiseTargets instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
