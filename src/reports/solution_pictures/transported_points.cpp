// Points with two or three coordinates, common to all measures or of every measure's own: those of
// the first problem, and where its plan sends some of them.
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "src/populations/cloud_population.hpp"
#include "src/populations/ground_cost.hpp"
#include "src/reports/gnuplot.hpp"
#include "src/reports/solution_pictures/list.hpp"

namespace otfleet::solution_pictures {
namespace {

using distributed::Hdf5File;
using distributed::Shard;

constexpr std::int64_t most_points = 2'000'000;  // of a side: more are not read
constexpr std::size_t most_dots = 2000;          // of a side
constexpr std::size_t most_arrows = 100;         // and no more than
constexpr std::size_t most_entries = 5'000'000;  // entries of the plan allow, but at least
constexpr std::size_t fewest_arrows = 10;
constexpr const char* source_color = "#2471a3";
constexpr const char* target_color = "#c0392b";

/// Where one side of the first problem lies in the files.
struct SideRows {
  std::string points;      ///< dataset in the population
  Shard rows;              ///< of it
  std::string potentials;  ///< dataset in the solution
  std::string offsets;     ///< of the potentials; empty: a row a problem
};

/// One side of the first problem.
struct Side {
  std::vector<double> points;      ///< [n, d]
  std::vector<double> potentials;  ///< [n]
  std::vector<std::size_t> with_weight;

  const double* point(std::size_t i, std::size_t d) const { return points.data() + i * d; }
};

std::int32_t measure_of_first(const Hdf5File& solution, const std::string& side) {
  std::int32_t measure = 0;
  solution.read_rows<std::int32_t>("/problems/" + side, {0, 1}, std::span(&measure, 1));
  return measure;
}

class FirstProblem {
 public:
  explicit FirstProblem(const SolvedProblems& solved) : solution_(solved.solution) {
    for (const char* dataset : {"/problems/source", "/solution/f", "/solution/g"})
      if (!solution_.has(dataset)) return;
    if (solution_.info("/problems/source").shape.at(0) == 0) return;
    population_.emplace(Hdf5File::open(solved.population));
    if (solution_.has("/solution/f_offsets"))
      find_clouds();
    else if (population_->has("/geometry/source_points"))
      find_common_points();
  }

  /// Two or three coordinates, and not too many points.
  bool can_be_drawn() const {
    return (dimension_ == 2 || dimension_ == 3) && source_.rows.size() <= most_points &&
           target_.rows.size() <= most_points;
  }
  std::size_t dimension() const { return static_cast<std::size_t>(dimension_); }

  Side read(bool source) const {
    const auto& from = source ? source_ : target_;
    const auto n = from.rows.size();
    Side side;
    side.points.resize(static_cast<std::size_t>(n * dimension_));
    population_->read_rows<double>(from.points, from.rows, side.points);
    side.potentials.resize(static_cast<std::size_t>(n));
    const Shard rows = from.offsets.empty() ? Shard{0, 1} : Shard{0, n};
    solution_.read_rows<double>(from.potentials, rows, side.potentials);
    for (std::size_t i = 0; i < side.potentials.size(); ++i)
      if (std::isfinite(side.potentials[i])) side.with_weight.push_back(i);
    return side;
  }

  /// Costs of source point i to every target point. `sides` are those that read() returned.
  void read_costs(std::size_t i, const Side& source, const Side& target,
                  std::vector<double>& costs) const {
    costs.resize(target.potentials.size());
    if (!ground_cost_) {
      const auto row = static_cast<std::int64_t>(i);
      return population_->read_rows<double>("/geometry/cost", {row, row + 1}, costs);
    }
    const auto d = dimension();
    for (const std::size_t j : target.with_weight)
      costs[j] = ground_cost(*ground_cost_, source.point(i, d), target.point(j, d), dimension_);
  }

 private:
  void find_clouds() {
    const auto outline = read_cloud_outline(*population_);
    const auto rows = [&](bool source) {
      const auto& table = source ? outline.sources : outline.target_table();
      const auto measure =
          static_cast<std::size_t>(measure_of_first(solution_, source ? "source" : "target"));
      return Shard{table.offsets.at(measure), table.offsets.at(measure + 1)};
    };
    source_ = {outline.prefix(true) + "points", rows(true), "/solution/f", "/solution/f_offsets"};
    target_ = {outline.prefix(false) + "points", rows(false), "/solution/g", "/solution/g_offsets"};
    dimension_ = outline.dimension;
    ground_cost_ = outline.ground_cost;
  }

  void find_common_points() {
    const auto shape = population_->info("/geometry/source_points").shape;
    const auto others = population_->info("/geometry/target_points").shape;
    source_ = {"/geometry/source_points", {0, shape.at(0)}, "/solution/f", ""};
    target_ = {"/geometry/target_points", {0, others.at(0)}, "/solution/g", ""};
    dimension_ = shape.at(1);
    const auto cost = population_->string_attribute("/geometry", "cost").value_or("matrix");
    if (!population_->has("/geometry/cost") || cost != cost_word(std::nullopt))
      ground_cost_ = read_ground_cost(*population_, cost);
  }

  const Hdf5File& solution_;
  std::optional<Hdf5File> population_;  ///< none: they are no problems of pairs
  SideRows source_, target_;
  std::int64_t dimension_ = 0;
  std::optional<kernels::GroundCost> ground_cost_;  ///< none: a stored matrix
};

/// At most `most` of some indices, evenly spaced.
std::vector<std::size_t> some_of(const std::vector<std::size_t>& all, std::size_t most) {
  std::vector<std::size_t> chosen;
  const std::size_t count = std::min(all.size(), most);
  for (std::size_t k = 0; k < count; ++k) chosen.push_back(all[k * all.size() / count]);
  return chosen;
}

void write_point(std::ostringstream& script, const double* point, std::size_t d) {
  for (std::size_t k = 0; k < d; ++k) script << ' ' << point[k];
}

void write_dots(std::ostringstream& script, const char* name, const Side& side, std::size_t d) {
  script << '$' << name << " << EOD\n";
  for (const std::size_t i : some_of(side.with_weight, most_dots)) {
    write_point(script, side.point(i, d), d);
    script << '\n';
  }
  script << "EOD\n";
}

/// Source points and the way to the mean of where the plan sends them, as gnuplot's vectors.
void write_arrows(std::ostringstream& script, const FirstProblem& problem, const Side& source,
                  const Side& target, double epsilon) {
  const auto d = problem.dimension();
  const auto affordable = most_entries / std::max<std::size_t>(target.with_weight.size(), 1);
  const auto arrows =
      some_of(source.with_weight, std::clamp(affordable, fewest_arrows, most_arrows));
  std::vector<double> costs;
  script << "$map << EOD\n";
  for (const std::size_t i : arrows) {
    problem.read_costs(i, source, target, costs);
    double largest = -INFINITY;
    for (const std::size_t j : target.with_weight)
      largest = std::max(largest, (target.potentials[j] - costs[j]) / epsilon);
    double sum = 0, mean[3] = {};
    for (const std::size_t j : target.with_weight) {
      const double entry = std::exp((target.potentials[j] - costs[j]) / epsilon - largest);
      if (!(entry > 0)) continue;
      sum += entry;
      for (std::size_t k = 0; k < d; ++k) mean[k] += entry * target.point(j, d)[k];
    }
    if (!(sum > 0)) continue;
    for (std::size_t k = 0; k < d; ++k) mean[k] = mean[k] / sum - source.point(i, d)[k];
    write_point(script, source.point(i, d), d);
    write_point(script, mean, d);
    script << '\n';
  }
  script << "EOD\n";
}

class TransportedPoints final : public SolutionPicture {
 public:
  const char* shows() const override {
    return "The points of the first problem, and where its plan sends some of them";
  }
  bool fits(const SolvedProblems& solved) const override {
    return FirstProblem(solved).can_be_drawn();
  }

  bool draw(const SolvedProblems& solved, const std::filesystem::path& picture) const override {
    const FirstProblem problem(solved);
    const Side source = problem.read(true), target = problem.read(false);
    const auto d = problem.dimension();
    std::ostringstream script;
    write_dots(script, "source", source, d);
    write_dots(script, "target", target, d);
    write_arrows(script, problem, source, target, solved.job.problem.epsilon);
    const bool solid = d == 3;
    script << fmt::format(
        "set title \"problem 0: source {}, {} points, to target {}, {} points; epsilon = {:.3g}\" "
        "noenhanced\n",
        measure_of_first(solved.solution, "source"), source.potentials.size(),
        measure_of_first(solved.solution, "target"), target.potentials.size(),
        solved.job.problem.epsilon);
    script << "set terminal pngcairo size 900,760 font 'Sans,12' enhanced\n"
           << "set key at screen 0.5,0.085 center top vertical maxcols 1 Left reverse samplen 2\n"
           << "set bmargin screen 0.19\n"
           << (solid ? "set view 62,32,1.4\nset view equal xyz\nset xyplane relative 0.05\nset "
                       "xlabel 'first coordinate' rotate parallel\nset ylabel 'second coordinate' "
                       "rotate parallel\nset zlabel 'third coordinate' rotate parallel\nsplot "
                     : "set size ratio -1\nset xlabel 'first coordinate'\nset ylabel 'second "
                       "coordinate'\nplot ")
           << fmt::format(
                  "$map with vectors {} lw 0.7 lc rgb '#70707070' title 'mean of where the plan "
                  "sends a "
                  "point', "
                  "$source with points pt 7 ps 0.6 lc rgb '#30{}' title 'source', "
                  "$target with points pt 7 ps 0.6 lc rgb '#30{}' title 'target'\n",
                  solid ? "nohead" : "head size graph 0.008,20 filled", source_color + 1,
                  target_color + 1);
    return draw_picture(picture, script.str());
  }
};

}  // namespace

const SolutionPicture& transported_points() {
  static const TransportedPoints instance;
  return instance;
}

}  // namespace otfleet::solution_pictures
