#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "distributed/error.hpp"
#include "distributed/shard.hpp"
#include "kernels/api/paths.hpp"
#include "src/families/least_action/cheap_direction.hpp"
#include "src/families/metric_learning/all_pairs.hpp"
#include "src/families/metric_learning/metric_family.hpp"
#include "src/families/metric_learning/metric_model.hpp"
#include "src/families/metric_learning/set_sequence.hpp"
#include "src/families/neural_dual/scores/assignment.hpp"
#include "src/reports/gnuplot.hpp"
#include "src/reports/picture_line.hpp"
#include "src/runs/input_files.hpp"

namespace otfleet {
namespace {

using distributed::Reduction;

/// The mean |cos| of the angle between the cheap directions of two metrics, over 100 × 100 points
/// of the second one's box; points where that has no direction are left out.
double alignment(const kernels::Lagrangian& learned, const kernels::Lagrangian& true_metric) {
  constexpr int points = 100;
  const auto box = std::visit([](const auto& typed) { return typed.box; }, true_metric);
  double sum = 0, count = 0;
  for (int i = 0; i < points; ++i)
    for (int j = 0; j < points; ++j) {
      const double x[2] = {box.low[0] + (box.high[0] - box.low[0]) * i / (points - 1),
                           box.low[1] + (box.high[1] - box.low[1]) * j / (points - 1)};
      const CheapDirection found(learned, x), wanted(true_metric, x);
      if (!(wanted.share < 1)) continue;
      sum += std::abs(std::cos(found.angle - wanted.angle));
      count += 1;
    }
  return sum / count;
}

/// Of points [N, 2] at most so many, evenly.
std::vector<double> some(std::span<const double> points, std::int64_t most) {
  const auto count = static_cast<std::int64_t>(points.size()) / 2, taken = std::min(count, most);
  std::vector<double> result;
  for (std::int64_t k = 0; k < taken; ++k)
    for (std::int64_t axis = 0; axis < 2; ++axis)
      result.push_back(points[static_cast<std::size_t>(2 * (k * count / taken) + axis)]);
  return result;
}

/// What it costs to move from each set to the next, by exact plans between samples: the mean action
/// in a metric, all moves together. Collective.
double moving_cost(const CommandContext& context, const SetSequence& sequence,
                   const kernels::Lagrangian& lagrangian) {
  constexpr std::int64_t most_points = 200;  // every one with every one
  const auto& communicator = context.communicator;
  const auto mine =
      distributed::block_shard(sequence.moves(), communicator.rank(), communicator.size());
  double sum = 0;
  communicator.agree([&] {
    kernels::PathSolver solver(lagrangian, 2, context.job.path.settings());
    for (std::int64_t t = mine.begin; t < mine.end; ++t) {
      const auto from = some(sequence.set(t), most_points),
                 to = some(sequence.set(t + 1), most_points);
      const std::size_t count = from.size() / 2;
      const auto costs = actions_of_all_pairs(solver, from, to, true);
      const auto partner = best_assignment(costs, static_cast<std::int64_t>(count));
      for (std::size_t i = 0; i < count; ++i)
        sum += costs[i * count + static_cast<std::size_t>(partner[i])] / static_cast<double>(count);
    }
  });
  return communicator.all_reduce(sum, Reduction::sum) / static_cast<double>(sequence.moves());
}

/// The sets, from early to late, over the directions that were learned.
std::filesystem::path draw_metric(const CommandContext& context, const SetSequence& sequence,
                                  const kernels::Lagrangian& lagrangian,
                                  const std::vector<double>& box) {
  constexpr std::int64_t most_points = 200;
  const double low[2] = {box[0], box[2]}, high[2] = {box[1], box[3]};
  std::ostringstream script;
  script.precision(10);
  write_directions(lagrangian, low, high, script);
  script << "$points << EOD\n";
  for (std::int64_t t = 0; t < sequence.sets; ++t) {
    const auto points = some(sequence.set(t), most_points);
    for (std::size_t k = 0; k < points.size(); k += 2)
      script << points[k] << ' ' << points[k + 1] << ' ' << t << '\n';
  }
  const double ratio = (high[1] - low[1]) / (high[0] - low[0]);
  const int height = static_cast<int>(std::clamp(680 * ratio + 100, 300.0, 760.0));
  script << "EOD\nset terminal pngcairo size 900," << height
         << " font 'Sans,12' enhanced\nset size ratio -1\nset xrange [" << low[0] << ':' << high[0]
         << "]\nset yrange [" << low[1] << ':' << high[1]
         << "]\nset palette defined (0 '#1f77b4', 1 '#ff7f0e')\nset cblabel 'set'\nunset key\n"
         << "set xlabel 'first coordinate'\nset ylabel 'second coordinate'\n"
         << "plot $points using 1:2:3 with points pt 7 ps 0.4 lc palette, $directions using "
            "1:2:3:4 with vectors nohead lw 1.5 lc rgb '#404040'\n";
  const auto picture = context.output / "metric.png";
  return draw_picture(picture, script.str()) ? picture : std::filesystem::path();
}

}  // namespace

void evaluate_metric(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  auto& figures = report.figures();
  SetSequence sequence;
  kernels::Lagrangian learned;
  std::vector<double> box;
  std::filesystem::path file;
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      file = find_input(context, job.files.checkpoint, "files.checkpoint", "train", "model.h5");
      sequence = read_set_sequence(job);
      const auto model = read_metric(file, job);
      learned = model->lagrangian();
      box = model->description().box;
      if (model->description().sequence != sequence.name)
        spdlog::warn("{} was trained on {}, not on {}", file.string(),
                     model->description().sequence, sequence.name);
    });
  }
  figures["model"] = file.string();
  figures["sequence"] = sequence.name;
  figures["box"] = box;
  std::string text =
      fmt::format("{}: {} sets of {} points\n", sequence.name, sequence.sets, sequence.of_set);
  {
    const PhaseTimer timer(report, "actions");
    const double without = moving_cost(context, sequence, kernels::SquaredEuclideanLagrangian()),
                 with = moving_cost(context, sequence, learned);
    figures["action"] = {{"learned", with}, {"squared_euclidean", without}};
    text += fmt::format(
        "mean action from set to set, exact plans: {:.5g} in the metric, {:.5g} without ({:.3f})\n",
        with, without, with / without);
  }
  if (const auto true_metric = kernels::find_lagrangian(sequence.name)) {
    const double found = alignment(learned, *true_metric);
    figures["alignment"] = found;
    text += fmt::format("alignment with the true directions: {:.4f}\n", found);
  }
  std::filesystem::path picture;
  {
    const PhaseTimer timer(report, "draw");
    communicator.agree([&] {
      if (communicator.is_root()) picture = draw_metric(context, sequence, learned, box);
    });
  }
  if (!picture.empty()) figures["picture"] = picture.string();
  report.write(context.output);
  if (context.prints())
    std::cout
        << text
        << fmt::format(
               "paths in it: lagrangian = {{ name = \"metric\", grid = {{ file = \"{}\", dataset = "
               "\"model/metric\" }} }}\n",
               file.string())
        << picture_line(picture);
}

}  // namespace otfleet
