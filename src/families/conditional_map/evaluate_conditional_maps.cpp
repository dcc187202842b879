#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "distributed/error.hpp"
#include "distributed/shard.hpp"
#include "kernels/counter_random.hpp"
#include "src/families/conditional_map/conditional_family.hpp"
#include "src/families/conditional_map/map_inputs.hpp"
#include "src/families/conditional_map/map_scores.hpp"
#include "src/families/conditional_map/methods/map_method.hpp"
#include "src/families/conditional_map/methods/map_method_facts.hpp"
#include "src/families/conditional_map/problem_contexts.hpp"
#include "src/families/conditional_map/problem_maps.hpp"
#include "src/families/conditional_map/problem_solution.hpp"
#include "src/families/neural_dual/scores/transport_scores.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

constexpr std::uint64_t judged_rows = 0x65766c7561746532;
/// Of the Sinkhorn divergences, a share of the mean cost within a target.
constexpr double divergence_epsilon = 0.05;
/// Of the distance that costs and dual values are shares of, a share of the mean cost.
constexpr double distance_epsilon = 3e-3;
/// Larger clouds have no such distance: it would take longer than all the rest.
constexpr std::int64_t most_points_of_distance = 10000;
constexpr double no_figure = std::numeric_limits<double>::quiet_NaN();

/// What is compared with a problem's target: maps, the one of the job among them, and a second draw
/// of the target itself.
struct MapRow {
  static constexpr std::size_t identity = 0, gaussian = 1, own = 2, target = 3, count = 4;
  static std::string name(std::size_t row, const std::string& method) {
    const std::string names[] = {"identity", "gaussian", method, "target_again"};
    return names[row];
  }
  static constexpr std::size_t maps = target;  ///< the rows before are maps
};

/// Figures of one row and problem.
struct MapFigure {
  static constexpr std::size_t distance = 0, divergence = 1, mmd = 2, uvp = 3, cost = 4, dual = 5,
                               count = 6;
  static constexpr const char* names[] = {"distance", "divergence", "mmd", "uvp", "cost", "dual"};
};
constexpr std::size_t figures_of_problem = MapRow::count * MapFigure::count;

using MapTable = std::vector<double>;  // [problems, rows, figures]

/// `count` rows of a cloud: without repetition where all weigh the same, else by weight. Two calls
/// with first = 0 and first = count do not share rows where there are enough.
PointRows draw_rows(std::span<const double> points, const std::vector<double>& shares,
                    std::size_t first, std::size_t count, const kernels::CounterRandom& random) {
  const std::size_t dimension = points.size() / shares.size();
  std::vector<std::size_t> chosen;
  const bool equal = std::all_of(shares.begin(), shares.end(),
                                 [&](double share) { return share == shares.front(); });
  if (equal) {
    std::vector<std::size_t> order(shares.size());
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t k = 0; k + 1 < order.size(); ++k)
      std::swap(order[k], order[k + random.below(order.size() - k, k)]);
    for (std::size_t k = 0; k < count; ++k) chosen.push_back(order[(first + k) % order.size()]);
  } else {
    std::vector<double> sums(shares.size());
    std::partial_sum(shares.begin(), shares.end(), sums.begin());
    for (std::size_t k = 0; k < count; ++k) {
      const double number = random.uniform(first + k) * sums.back();
      chosen.push_back(static_cast<std::size_t>(
          std::min(std::upper_bound(sums.begin(), sums.end(), number), sums.end() - 1) -
          sums.begin()));
    }
  }
  PointRows result;
  for (const std::size_t row : chosen)
    result.insert(result.end(), points.begin() + static_cast<std::ptrdiff_t>(row * dimension),
                  points.begin() + static_cast<std::ptrdiff_t>((row + 1) * dimension));
  return result;
}

double variance_of(std::span<const double> points, std::int64_t dimension) {
  const auto d = static_cast<std::size_t>(dimension);
  const double count = static_cast<double>(points.size()) / static_cast<double>(d);
  std::vector<double> mean(d, 0.0);
  for (std::size_t at = 0; at < points.size(); ++at) mean[at % d] += points[at] / count;
  double sum = 0;
  for (std::size_t at = 0; at < points.size(); ++at)
    sum += std::pow(points[at] - mean[at % d], 2) / count;
  return sum;
}

/// One problem: all of its source under the maps.
struct Subject {
  std::span<const double> source, target;
  std::vector<double> source_shares, target_shares;
  std::array<PointRows, MapRow::maps> images;
  double dual_value = no_figure;  ///< of the own map's potentials
};

class Judge {
 public:
  Judge(const Job& job, const CloudPopulation& population, MapMethod& maps)
      : job_(job),
        population_(population),
        maps_(maps),
        image_offsets_(population.source_point_offsets()) {}

  /// Figures of some problems. Adds the seconds of the model's maps.
  MapTable judge(distributed::Shard problems, double& seconds) {
    const auto count = static_cast<std::size_t>(problems.size());
    MapTable table(count * figures_of_problem, no_figure);
    std::vector<PointRows> clouds, targets;
    for (std::int64_t k = problems.begin; k < problems.end; ++k) {
      const Subject subject = map(static_cast<std::int32_t>(k), seconds);
      const std::size_t at = static_cast<std::size_t>(k - problems.begin) * figures_of_problem;
      const auto figures = std::span(table).subspan(at, figures_of_problem);
      score_against_truth(k, subject, figures);
      score_against_optimum(static_cast<std::int32_t>(k), subject, figures);
      add_clouds(k, subject, clouds, targets);
    }
    if (count == 0) return table;
    const auto distances =
        cloud_distances(clouds, targets, population_.dimension, epsilon_of_divergences());
    for (std::size_t cell = 0; cell < distances.size(); ++cell) {
      table[cell * MapFigure::count + MapFigure::distance] = distances[cell].exact;
      table[cell * MapFigure::count + MapFigure::divergence] = distances[cell].divergence;
      table[cell * MapFigure::count + MapFigure::mmd] = distances[cell].mmd;
    }
    return table;
  }

  /// Points of each cloud of a problem.
  std::size_t samples(std::int64_t problem) const {
    const std::int64_t least =
        std::min(population_.source_points(problem),
                 std::max<std::int64_t>(population_.target_points(problem) / 2, 1));
    return static_cast<std::size_t>(std::min(job_.evaluate.points, least));
  }

 private:
  Subject map(std::int32_t problem, double& seconds) {
    const auto at = static_cast<std::size_t>(problem);
    const std::int64_t from = population_.source[at], to = population_.target[at];
    const auto& target_table = population_.target_table();
    const std::int64_t d = population_.dimension;
    Subject subject;
    subject.source = points_of(population_.sources, from, d);
    subject.target = points_of(target_table, to, d);
    subject.source_shares = shares_of(population_.sources, from);
    subject.target_shares = shares_of(target_table, to);
    subject.images[MapRow::identity].assign(subject.source.begin(), subject.source.end());
    if (d <= most_dimensions_of_gaussians)
      subject.images[MapRow::gaussian] =
          affine_images(gaussian_map(moments_of(population_.sources, from, d, {}),
                                     moments_of(target_table, to, d, {})),
                        subject.source);
    else
      subject.images[MapRow::gaussian].assign(subject.source.size(), no_figure);
    std::unique_ptr<ProblemMap> own;
    {
      const StopWatch watch(seconds);
      own = maps_.map(problem);
      subject.images[MapRow::own] = own->forward(subject.source, false).image;
    }
    if (maps_.has_potentials())
      subject.dual_value = solve_map(population_, problem, *own, true, true).dual_value;
    return subject;
  }

  /// What maps cost, and what the potentials' dual value is, as shares of the squared distance.
  void score_against_optimum(std::int32_t problem, const Subject& subject,
                             std::span<double> table) const {
    if (std::max(subject.source_shares.size(), subject.target_shares.size()) >
        static_cast<std::size_t>(most_points_of_distance))
      return;
    const double optimum =
        solve_problem(population_, problem, distance_epsilon, {}).solutions.lower_bound[0] /
        population_.sources.mass(population_.source[problem]);
    if (!(optimum > 0)) return;  // of nothing there are no shares
    const auto d = static_cast<std::size_t>(population_.dimension);
    for (std::size_t row = 0; row < MapRow::maps; ++row) {
      double cost = 0;
      for (std::size_t at = 0; at < subject.source.size(); ++at)
        cost += subject.source_shares[at / d] *
                std::pow(subject.images[row][at] - subject.source[at], 2);
      table[row * MapFigure::count + MapFigure::cost] = cost / optimum;
    }
    table[MapRow::own * MapFigure::count + MapFigure::dual] = subject.dual_value / optimum;
  }

  /// The same on any number of ranks.
  double epsilon_of_divergences() const {
    double sum = 0;
    for (const std::int32_t target : population_.target)
      sum += variance_of(points_of(population_.target_table(), target, population_.dimension),
                         population_.dimension);
    return std::fmax(divergence_epsilon * 2 * sum / static_cast<double>(population_.problems()),
                     1e-12);
  }

  void score_against_truth(std::int64_t problem, const Subject& subject,
                           std::span<double> table) const {
    if (population_.images.empty()) return;
    const auto d = population_.dimension;
    const auto truth =
        std::span(population_.images)
            .subspan(static_cast<std::size_t>(image_offsets_[problem] * d), subject.source.size());
    const double variance = variance_of(truth, d);
    for (std::size_t row = 0; row < MapRow::maps; ++row)
      table[row * MapFigure::count + MapFigure::uvp] =
          l2_uvp(subject.images[row], truth, d, variance);
  }

  /// The clouds to compare, a row of the table each, and their targets.
  void add_clouds(std::int64_t problem, const Subject& subject, std::vector<PointRows>& clouds,
                  std::vector<PointRows>& targets) const {
    const kernels::CounterRandom random(static_cast<std::uint64_t>(job_.seed) + 1,
                                        judged_rows + static_cast<std::uint64_t>(problem));
    const std::size_t count = samples(problem);
    for (const PointRows& images : subject.images)
      clouds.push_back(draw_rows(images, subject.source_shares, 0, count, random));
    clouds.push_back(draw_rows(subject.target, subject.target_shares, count, count, random));
    targets.insert(targets.end(), MapRow::count,
                   draw_rows(subject.target, subject.target_shares, 0, count, random));
  }

  static constexpr std::int64_t most_dimensions_of_gaussians = 128;

  const Job& job_;
  const CloudPopulation& population_;
  MapMethod& maps_;
  std::vector<std::int64_t> image_offsets_;
};

/// JSON has no number for what is not finite.
nlohmann::json json_number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

nlohmann::json each_problem(const CloudPopulation& population, const MapTable& table,
                            const std::string& method) {
  nlohmann::json list = nlohmann::json::array();
  const auto width = static_cast<std::size_t>(population.contexts.width);
  for (std::size_t k = 0; k < population.source.size(); ++k) {
    nlohmann::json one = {{"source", population.source[k]}, {"target", population.target[k]}};
    for (std::size_t i = 0; i < width; ++i)
      one["context"].push_back(population.contexts.values[k * width + i]);
    for (std::size_t row = 0; row < MapRow::count; ++row)
      for (std::size_t figure = 0; figure < MapFigure::count; ++figure)
        one[MapRow::name(row, method)][MapFigure::names[figure]] =
            json_number(table[(k * MapRow::count + row) * MapFigure::count + figure]);
    list.push_back(std::move(one));
  }
  return list;
}

/// Means over the problems.
nlohmann::json means(const MapTable& table, const std::string& method) {
  nlohmann::json result;
  const std::size_t problems = table.size() / (figures_of_problem);
  for (std::size_t row = 0; row < MapRow::count; ++row)
    for (std::size_t figure = 0; figure < MapFigure::count; ++figure) {
      double sum = 0;
      for (std::size_t k = 0; k < problems; ++k)
        sum += table[(k * MapRow::count + row) * MapFigure::count + figure];
      result[MapRow::name(row, method)][MapFigure::names[figure]] =
          json_number(sum / static_cast<double>(problems));
    }
  return result;
}

std::string map_summary(const nlohmann::json& report, const Job& job) {
  const auto cell = [](const nlohmann::json& figure) {
    return figure.is_number() ? fmt::format("{:.4g}", figure.get<double>()) : std::string("-");
  };
  std::string text = fmt::format(
      "{} problems in {} dimensions; {:.3f} ms a problem for its map\n"
      "{:<34}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n",
      report["problems"].get<std::int64_t>(), report["dimension"].get<std::int64_t>(),
      report["map_milliseconds"].get<double>(), "means, of pushed sources", "exact W2",
      "divergence", "MMD", "L2-UVP %", "cost", "dual");
  std::string own = map_method_of(job).needs_model
                        ? "by the model"
                        : fmt::format("by map.method = '{}'", job.map.method);
  if (job.fine_tune.steps > 0) own += fmt::format(", {} steps more", job.fine_tune.steps);
  const std::pair<std::size_t, std::string> lines[] = {
      {MapRow::identity, "the sources themselves"},
      {MapRow::gaussian, "by the map between Gaussians"},
      {MapRow::own, own},
      {MapRow::target, "the targets, drawn again"}};
  for (const auto& [row, name] : lines) {
    const auto& one = report["maps"][MapRow::name(row, job.map.method)];
    text += fmt::format("{:<34}", name);
    for (const char* figure : MapFigure::names) text += fmt::format("{:>12}", cell(one[figure]));
    text += '\n';
  }
  return text;
}

}  // namespace

void evaluate_conditional_maps(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  MapInputs inputs;
  const CloudPopulation& population = inputs.population;
  auto& figures_json = report.figures();
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      inputs = read_map_inputs(context);
      if (inputs.model) figures_json["model"] = inputs.checkpoint.string();
      figures_json["population"] = inputs.file.string();
    });
  }
  MapTable part;
  double seconds = 0;
  {
    const PhaseTimer timer(report, "score");
    const auto shard =
        distributed::block_shard(population.problems(), communicator.rank(), communicator.size());
    communicator.agree([&] {
      const auto maps = make_map_method(population, inputs.model.get(), job);
      part = Judge(job, population, *maps).judge(shard, seconds);
    });
  }
  const MapTable table = communicator.gather(std::span<const double>(part));
  seconds = communicator.all_reduce(seconds, distributed::Reduction::sum);
  figures_json["problems"] = population.problems();
  figures_json["dimension"] = population.dimension;
  figures_json["map_milliseconds"] = 1e3 * seconds / static_cast<double>(population.problems());
  if (communicator.is_root()) {
    figures_json["maps"] = means(table, job.map.method);
    figures_json["each"] = each_problem(population, table, job.map.method);
  }
  report.write(context.output);
  if (context.prints())
    std::cout << map_summary(figures_json, job) << "Report: " << context.output.string() << '\n';
}

}  // namespace otfleet
