// Plans of low rank between points of two coordinates or more: the first two of the first problems'
// points, and the plan's clusters as circles, each joined to the cluster that it goes to.
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

constexpr std::int64_t most_plans_shown = 3;
constexpr std::int64_t cloud_points_shown = 4000;  // of a cloud, evenly

/// Every so many of a measure's points.
void write_cloud(std::ostringstream& script, const std::string& name, const Hdf5File& file,
                 const std::string& dataset, Shard rows, std::size_t d) {
  std::vector<double> points(static_cast<std::size_t>(rows.size()) * d);
  file.read_rows<double>(dataset, rows, points);
  const std::int64_t step = std::max<std::int64_t>(rows.size() / cloud_points_shown, 1);
  script << '$' << name << " << EOD\n";
  for (std::int64_t i = 0; i < rows.size(); i += step) {
    const double* const x = points.data() + static_cast<std::size_t>(i) * d;
    script << x[0] << ' ' << x[1] << '\n';
  }
  script << "EOD\n";
}

class PairedClusters final : public SolutionPicture {
 public:
  const char* shows() const override {
    return "Clusters of the first problems: source points in blue, target points in orange, and "
           "each cluster of the plan as two circles, larger where it is heavier, joined by a line";
  }

  bool fits(const SolvedProblems& solved) const override {
    if (solved.job.problem.kind != ProblemKind::low_rank) return false;
    const auto shape = solved.solution.info("/solution/source_center").shape;
    return shape.at(0) > 0 && shape.at(2) >= 2;
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const auto population = Hdf5File::open(solved.population);
    const auto outline = read_cloud_outline(population);
    const auto shape = solved.solution.info("/solution/source_center").shape;
    const auto r = static_cast<std::size_t>(shape[1]), d = static_cast<std::size_t>(shape[2]);
    const std::int64_t count = std::min(outline.problems(), most_plans_shown);
    std::ostringstream script, plots;
    for (std::int64_t k = 0; k < count; ++k) {
      const auto at = static_cast<std::size_t>(k);
      const auto rows = [&](const CloudTable& table, std::int32_t measure) {
        const std::int64_t begin = table.offsets.at(static_cast<std::size_t>(measure));
        return Shard{begin, begin + table.size(measure)};
      };
      const std::string number = std::to_string(k);
      write_cloud(script, "source" + number, population, outline.prefix(true) + "points",
                  rows(outline.sources, outline.source[at]), d);
      write_cloud(script, "target" + number, population, outline.prefix(false) + "points",
                  rows(outline.target_table(), outline.target[at]), d);
      std::vector<double> masses(r), from(r * d), to(r * d);
      solved.solution.read_rows<double>("/solution/cluster_mass", {k, k + 1}, masses);
      solved.solution.read_rows<double>("/solution/source_center", {k, k + 1}, from);
      solved.solution.read_rows<double>("/solution/target_center", {k, k + 1}, to);
      const double heaviest = *std::max_element(masses.begin(), masses.end());
      script << "$clusters" << number << " << EOD\n";
      for (std::size_t c = 0; c < r; ++c)
        if (masses[c] > 0)
          script << from[c * d] << ' ' << from[c * d + 1] << ' ' << to[c * d] - from[c * d] << ' '
                 << to[c * d + 1] - from[c * d + 1] << ' ' << std::sqrt(masses[c] / heaviest)
                 << '\n';
      script << "EOD\n";
      plots << fmt::format(
          "set title \"source {0}, target {1}\"\n"
          "plot $source{2} with points pt 7 ps 0.25 lc rgb '#b0a6cee3' notitle, "
          "$target{2} with points pt 7 ps 0.25 lc rgb '#b0fdbf6f' notitle, "
          "$clusters{2} using 1:2:3:4 with vectors nohead lw 1.2 lc rgb '#606060' notitle, "
          "$clusters{2} using 1:2:(1.6*$5) with points pt 7 ps variable lc rgb '#1f78b4' notitle, "
          "$clusters{2} using ($1+$3):($2+$4):(1.6*$5) with points pt 7 ps variable lc rgb "
          "'#ff7f00' notitle\n",
          outline.source[at], outline.target[at], number);
    }
    script << fmt::format("set terminal pngcairo size {},400 font 'Sans,11'\n", 400 * count)
           << "set size ratio -1\nunset tics\nset border lc rgb '#d0d0d0'\n"
           << fmt::format("set multiplot layout 1,{}\n", count) << plots.str()
           << "unset multiplot\n";
    return draw_picture(picture, script.str());
  }
};

}  // namespace

const SolutionPicture& paired_clusters() {
  static const PairedClusters instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
