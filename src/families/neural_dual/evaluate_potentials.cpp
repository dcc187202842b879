#include "src/families/neural_dual/neural_dual_family.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "distributed/error.hpp"
#include "distributed/shard.hpp"
#include "kernels/minimize/settings.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"
#include "src/families/neural_dual/neural_dual_checkpoint.hpp"
#include "src/families/neural_dual/point_mapper.hpp"
#include "src/families/neural_dual/samplers/job_samplers.hpp"
#include "src/families/neural_dual/scores/assignment.hpp"
#include "src/families/neural_dual/scores/transport_scores.hpp"
#include "src/families/neural_dual/transport_plot.hpp"
#include "src/reports/picture_line.hpp"
#include "src/reports/report.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Communicator;
using distributed::Reduction;
using Points = std::vector<double>;  ///< [N, D], row-major

constexpr int sliced_directions = 256;

/// What is evaluated, the same on every rank.
struct Subject {
  SamplerPair samplers;
  std::optional<W2Benchmark> benchmark;
  std::int64_t dimension = 0;
  Points source, target;  ///< of the benchmark, target is the true image of source
};

Points draw(const Sampler& sampler, std::int64_t count) {
  Points points(static_cast<std::size_t>(count * sampler.dimension()));
  sampler.fill(0, count, points.data());
  return points;
}

Subject read_subject(const Job& job) {
  Subject subject;
  if (!job.samples.benchmark.empty()) {
    subject.benchmark.emplace(job.samples.benchmark);
    subject.source = subject.benchmark->test_x();
    subject.target = subject.benchmark->test_y();
    subject.samplers = subject.benchmark->samplers(static_cast<std::uint64_t>(job.seed), 1);
  } else {
    subject.samplers = make_samplers(job, SampleUse::evaluate);
    subject.source = draw(*subject.samplers.source, job.evaluate.points);
    subject.target = draw(*subject.samplers.target, job.evaluate.points);
  }
  subject.dimension = subject.samplers.source->dimension();
  return subject;
}

/// What all ranks together made of one side's points: images on rank 0, figures everywhere.
struct Mapped {
  Points image;
  Points path;                                         ///< coefficients, where paths are predicted
  double seconds = 0;                                  ///< of the slowest rank
  double iterations = 0, converged = 0, residual = 0;  ///< means over the points
  /// Of a least-action cost: shares whose search began at a sample, whose path at a bow.
  double from_sample = 0, from_bow = 0;
};

/// map(points of this rank); its figures are of all points. Collective.
template <class Map>
Mapped map_points(const Communicator& communicator, const Points& points, std::int64_t dimension,
                  const Map& map) {
  const auto rows = static_cast<std::int64_t>(points.size()) / dimension;
  const auto mine = distributed::block_shard(rows, communicator.rank(), communicator.size());
  MappedPoints part;
  Mapped result;
  communicator.barrier();
  communicator.agree([&] {
    const StopWatch watch(result.seconds);
    part = map(
        std::span<const double>(points).subspan(static_cast<std::size_t>(mine.begin * dimension),
                                                static_cast<std::size_t>(mine.size() * dimension)));
  });
  result.seconds = communicator.all_reduce(result.seconds, Reduction::max);
  std::array<double, 5> sums = {};
  for (const auto steps : part.iterations) sums[0] += steps;
  for (const auto status : part.status)
    sums[1] += status == static_cast<int>(kernels::ConjugateStatus::converged);
  for (const double residual : part.residual) sums[2] += residual;
  for (const auto end : part.end) sums[3] += end >= 0;
  for (const auto bow : part.bow) sums[4] += bow > 0;
  communicator.all_reduce(std::span<double>(sums), Reduction::sum);
  const auto count = static_cast<double>(rows);
  result.iterations = sums[0] / count;
  result.converged = sums[1] / count;
  result.residual = sums[2] / count;
  result.from_sample = sums[3] / count;
  result.from_bow = sums[4] / count;
  result.image = communicator.gather(std::span<const double>(part.image));
  result.path = communicator.gather(std::span<const double>(part.path));
  return result;
}

/// Against the true map. Rank 0.
void score_against_truth(const Subject& subject, const Mapped& forward, const Mapped& backward,
                         nlohmann::json& figures) {
  const auto &x = subject.source, &y = subject.target;
  const auto dimension = subject.dimension;
  const double target_variance = subject.benchmark->target_variance();
  const double input_variance = subject.benchmark->input_variance();
  figures["uvp_forward"] = l2_uvp(forward.image, y, dimension, target_variance);
  figures["uvp_backward"] = l2_uvp(backward.image, x, dimension, input_variance);
  figures["cosine_forward"] = cosine(x, forward.image, y, dimension);
  figures["cosine_backward"] = cosine(y, backward.image, x, dimension);
}

/// Wasserstein-2 distances between pushed samples and the other side's, and what two draws of one
/// side are apart. Rank 0.
void score_against_samples(const Subject& subject, const Mapped& forward, const Mapped& backward,
                           nlohmann::json& figures) {
  const auto dimension = subject.dimension;
  const auto distances = [&](const Points& one, const Points& other) -> nlohmann::json {
    for (const Points* points : {&one, &other})
      for (const double value : *points)
        if (!std::isfinite(value)) return {{"exact", nullptr}, {"sliced", nullptr}};
    return {{"exact", exact_distance(one, other, dimension)},
            {"sliced", sliced_distance(one, other, dimension, sliced_directions, 0)}};
  };
  const auto again = [&](const Sampler& sampler, const Points& points) {
    const auto count = static_cast<std::int64_t>(points.size()) / dimension;
    Points other(points.size());
    sampler.fill(count, count, other.data());
    return other;
  };
  auto& result = figures["distances"];
  result["pushed_to_target"] = distances(forward.image, subject.target);
  result["source_to_target"] = distances(subject.source, subject.target);
  result["target_to_target"] =
      distances(again(*subject.samplers.target, subject.target), subject.target);
  if (backward.image.empty()) return;
  result["pulled_to_source"] = distances(backward.image, subject.source);
  result["source_to_source"] =
      distances(again(*subject.samplers.source, subject.source), subject.source);
}

/// The share of points farther than so many deviations from where a distribution has samples; null
/// where it does not say.
nlohmann::json stray_share(const Sampler& sampler, const Points& points, double most) {
  const std::int64_t dimension = sampler.dimension();
  const auto count = static_cast<std::int64_t>(points.size()) / dimension;
  std::int64_t strays = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    const auto distance = sampler.deviations(points.data() + k * dimension);
    if (!distance) return nullptr;
    strays += !(*distance <= most);
  }
  return static_cast<double>(strays) / static_cast<double>(count);
}

/// Pushed and pulled points that lie where the other side has none, beside its own samples.
void count_strays(const Subject& subject, const Mapped& forward, const Mapped& backward,
                  nlohmann::json& figures) {
  const double most = 3;
  const auto &source = *subject.samplers.source, &target = *subject.samplers.target;
  figures["strays"] = {{"deviations", most},
                       {"pushed", stray_share(target, forward.image, most)},
                       {"target", stray_share(target, subject.target, most)}};
  if (backward.image.empty()) return;
  figures["strays"]["pulled"] = stray_share(source, backward.image, most);
  figures["strays"]["source"] = stray_share(source, subject.source, most);
}

/// The actions of paths from every x to its y, both [N, D]; each rank finds its own, from
/// predicted paths [N, …] on where there are any. On rank 0. Collective.
std::vector<double> actions_between(const Communicator& communicator,
                                    const kernels::LeastActionCost& cost, const Points& x,
                                    const Points& y, std::int64_t dimension,
                                    const Points& predicted = {}) {
  const auto rows = static_cast<std::int64_t>(x.size()) / dimension;
  const auto mine = distributed::block_shard(rows, communicator.rank(), communicator.size());
  std::vector<double> part;
  communicator.agree([&] {
    const auto own = [&](const Points& points) {
      const auto length =
          static_cast<std::int64_t>(points.size()) / std::max<std::int64_t>(rows, 1);
      return std::span<const double>(points).subspan(
          static_cast<std::size_t>(mine.begin * length),
          static_cast<std::size_t>(mine.size() * length));
    };
    kernels::PathSolver solver(cost.lagrangian, static_cast<int>(dimension), cost.path);
    part = solver.solve(own(x), own(y), {}, own(predicted)).fine;
  });
  return communicator.gather(std::span<const double>(part));
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// What transport costs: from samples to their images, and beside it the best that could be, an
/// exact plan between as many samples of both sides. Collective.
void score_actions(const Communicator& communicator, const kernels::LeastActionCost& cost,
                   const Subject& subject, const Mapped& forward, nlohmann::json& figures) {
  constexpr std::int64_t most_points = 512;  // every one with every one
  const std::int64_t dimension = subject.dimension;
  const auto all = static_cast<std::int64_t>(subject.source.size()) / dimension;
  const std::int64_t count = std::min(all, most_points);
  const auto everywhere = [&](const Points& on_root) {
    Points values = on_root;
    values.resize(static_cast<std::size_t>(
        communicator.all_reduce(static_cast<std::int64_t>(on_root.size()), Reduction::max)));
    communicator.broadcast(std::span<double>(values));
    return values;
  };
  const auto learned =
      actions_between(communicator, cost, subject.source, everywhere(forward.image), dimension,
                      everywhere(forward.path));
  Points x, y;
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t j = 0; j < count; ++j) {
      const auto from = subject.source.begin() + i * dimension;
      const auto to = subject.target.begin() + j * dimension;
      x.insert(x.end(), from, from + dimension);
      y.insert(y.end(), to, to + dimension);
    }
  const auto between = actions_between(communicator, cost, x, y, dimension);
  communicator.agree([&] {
    if (!communicator.is_root()) return;
    const auto partner = best_assignment(between, count);
    double exact = 0;
    for (std::int64_t i = 0; i < count; ++i)
      exact += between[static_cast<std::size_t>(i * count + partner[static_cast<std::size_t>(i)])];
    const std::vector<double> same(learned.begin(), learned.begin() + count);
    figures["action"] = {{"mean", mean_of(learned)},
                         {"points", count},
                         {"mean_of_points", mean_of(same)},
                         {"exact_plan", exact / static_cast<double>(count)}};
  });
}

Points some(const Points& points, std::size_t most) {
  return {points.begin(),
          points.begin() + static_cast<std::ptrdiff_t>(std::min(points.size(), most))};
}

std::filesystem::path draw_pictures(const CommandContext& context, const Subject& subject,
                                    const Mapped& forward, const Mapped& backward,
                                    PointMapper& mapper) {
  constexpr std::size_t most = 2 * 4000;
  const Points source = some(subject.source, most), target = some(subject.target, most);
  const Points pushed = some(forward.image, most), pulled = some(backward.image, most);
  const Points lines = mapper.map(grid_lines(source), MapDirection::forward, false).image;
  return plot_transport(context.output,
                        {subject.samplers.name, source, target, pushed, pulled, lines});
}

/// Of all points of one side, times are of the slowest rank.
nlohmann::json conjugate_figures(const Mapped& backward, std::int64_t points) {
  return {{"iterations", backward.iterations},
          {"milliseconds", 1e3 * backward.seconds / static_cast<double>(points)},
          {"converged", backward.converged},
          {"residual", backward.residual}};
}

/// NaN where a figure is not finite, which JSON has no number for.
double number(const nlohmann::json& figure) {
  return figure.is_number() ? figure.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

std::string summary(const nlohmann::json& figures) {
  const auto& conjugate = figures["conjugate"];
  std::string text = fmt::format("{}, D = {}\n", figures["samples"].get<std::string>(),
                                 figures["dimension"].get<std::int64_t>());
  const auto add_conjugates = [&](const char* start, const nlohmann::json& row) {
    text += fmt::format("conjugates{}: {:.1f} steps, {:.4f} ms a point, {:.2f} % converged\n",
                        start, number(row["iterations"]), number(row["milliseconds"]),
                        100 * number(row["converged"]));
  };
  if (conjugate.contains("without_prediction")) {
    add_conjugates(", predicted and finished", conjugate);
    add_conjugates(", without prediction", conjugate["without_prediction"]);
  } else {
    add_conjugates("", conjugate);
  }
  if (conjugate.contains("from_sample"))
    text += fmt::format(
        "images found from: {} {:.1f} %, a sample of the target {:.1f} %; by a bow {:.1f} %\n",
        conjugate.contains("without_prediction") ? "the prediction" : "the point",
        100 * (1 - number(conjugate["from_sample"])), 100 * number(conjugate["from_sample"]),
        100 * number(conjugate["from_bow"]));
  if (figures.contains("uvp_forward"))
    text += fmt::format(
        "L2-UVP: {:.3f} % forward, {:.3f} % backward, {:.3f} % by the prediction alone; cosine "
        "{:.4f}, {:.4f}\n",
        number(figures["uvp_forward"]), number(figures["uvp_backward"]),
        number(figures["uvp_predicted"]), number(figures["cosine_forward"]),
        number(figures["cosine_backward"]));
  if (figures.contains("distances")) {
    text += fmt::format("{:<28}{:>10}{:>10}\n", "Wasserstein-2 distance", "exact", "sliced");
    const std::pair<const char*, const char*> rows[] = {
        {"source_to_target", "source to target"},
        {"pushed_to_target", "pushed source to target"},
        {"target_to_target", "target to target, two draws"},
        {"pulled_to_source", "pulled target to source"},
        {"source_to_source", "source to source, two draws"}};
    for (const auto& [key, name] : rows) {
      if (!figures["distances"].contains(key)) continue;
      const auto& one = figures["distances"][key];
      text += fmt::format("{:<28}{:>10.4f}{:>10.4f}\n", name, number(one["exact"]),
                          number(one["sliced"]));
    }
  }
  if (figures.contains("strays") && figures["strays"]["pushed"].is_number()) {
    const auto& strays = figures["strays"];
    const auto percent = [&](const char* key) { return 100 * number(strays[key]); };
    text += fmt::format(
        "farther than {:g} deviations from the other side: {:.2f} % pushed ({:.2f} % of the "
        "target)",
        strays["deviations"].get<double>(), percent("pushed"), percent("target"));
    if (strays.contains("pulled"))
      text += fmt::format(", {:.2f} % pulled ({:.2f} % of the source)", percent("pulled"),
                          percent("source"));
    text += '\n';
  }
  if (figures.contains("action")) {
    const auto& action = figures["action"];
    text += fmt::format(
        "mean action: {:.4f}; of {} samples {:.4f}, of the exact plan between as many {:.4f}\n",
        number(action["mean"]), action["points"].get<std::int64_t>(),
        number(action["mean_of_points"]), number(action["exact_plan"]));
  }
  return text;
}

}  // namespace

void evaluate_potentials(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  auto& figures = report.figures();
  Subject subject;
  std::optional<NeuralDual> model;
  std::optional<kernels::LeastActionCost> cost;
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      const auto file =
          find_input(context, job.files.checkpoint, "files.checkpoint", "train", "model.h5");
      subject = read_subject(job);
      model.emplace(read_neural_dual(file, job, subject.dimension));
      cost = read_least_action_cost(job);
      figures["model"] = file.string();
      if (const auto& trained_on = model->description().samples;
          trained_on != subject.samplers.name)
        spdlog::warn("{} was trained on {}, not on {}", file.string(), trained_on,
                     subject.samplers.name);
    });
  }
  const auto dimension = subject.dimension;
  PointMapper mapper(*model, job.conjugate, cost);
  const bool from_source = model->side() == PotentialSide::source;
  const Points &x = from_source ? subject.source : subject.target,
               &y = from_source ? subject.target : subject.source;
  Mapped gradient, minimizers, plain, predicted;
  {
    const PhaseTimer timer(report, "map");
    if (!cost)  // else no gradient leads to the other side
      gradient = map_points(communicator, x, dimension,
                            [&](auto points) { return mapper.along_gradient(points, false); });
    predicted = map_points(communicator, y, dimension,
                           [&](auto points) { return mapper.predicted(points); });
    minimizers = map_points(communicator, y, dimension,
                            [&](auto points) { return mapper.to_minimizers(points); });
    if (model->predicts())
      plain = map_points(communicator, y, dimension, [&](auto points) {
        return mapper.to_minimizers(points, ConjugateStart::point);
      });
  }
  const Mapped &forward = from_source ? gradient : minimizers,
               &backward = from_source ? minimizers : gradient;
  figures["samples"] = subject.samplers.name;
  figures["dimension"] = dimension;
  const auto points = static_cast<std::int64_t>(y.size()) / dimension;
  figures["points"] = points;
  figures["conjugate"] = conjugate_figures(minimizers, points);
  if (cost) {
    figures["conjugate"]["from_sample"] = minimizers.from_sample;
    figures["conjugate"]["from_bow"] = minimizers.from_bow;
  }
  if (model->predicts())
    figures["conjugate"]["without_prediction"] = conjugate_figures(plain, points);
  {
    const PhaseTimer timer(report, "score");
    communicator.agree([&] {
      if (!communicator.is_root()) return;
      if (subject.benchmark) {
        const double variance = from_source ? subject.benchmark->input_variance()
                                            : subject.benchmark->target_variance();
        figures["uvp_predicted"] = l2_uvp(predicted.image, x, dimension, variance);
        score_against_truth(subject, forward, backward, figures);
      } else {
        score_against_samples(subject, forward, backward, figures);
        count_strays(subject, forward, backward, figures);
      }
    });
  }
  if (cost) {
    const PhaseTimer timer(report, "actions");
    score_actions(communicator, *cost, subject, forward, figures);
  }
  std::filesystem::path picture;
  {
    const PhaseTimer timer(report, "draw");
    communicator.agree([&] {
      if (communicator.is_root() && dimension == 2)
        picture = draw_pictures(context, subject, forward, backward, mapper);
    });
  }
  if (!picture.empty()) figures["picture"] = picture.string();
  report.write(context.output);
  if (context.prints())
    std::cout << summary(figures) << (dimension == 2 ? "Pictures and report.json: " : "Report: ")
              << context.output.string() << "\n"
              << picture_line(picture);
}

}  // namespace otfleet
