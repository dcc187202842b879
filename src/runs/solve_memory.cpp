#include "src/runs/solve_memory.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "src/data/checked_hdf5.hpp"
#include "src/families/linear/initializers.hpp"
#include "src/families/linear/method_choice.hpp"
#include "src/families/linear/methods/list.hpp"
#include "src/families/linear/plan_outputs.hpp"

namespace otfleet {
namespace {

using distributed::Hdf5File;

constexpr double number = sizeof(double);
/// Of a dense cost: as it was read, as the solver's, and a table of its exponentials.
constexpr double cost_copies = 3;
/// Of weights: as they were read, and on the device.
constexpr double weight_copies = 2;
/// Of points: as they were read, on the device, and as passes want them.
constexpr double point_copies = 3;
/// Of a block's solutions: on the device, and as they wait to be written.
constexpr double solution_copies = 2;

/// Of the multiscale solver and its certificate, bytes for a point of either side and for every one
/// of its coordinates: cells, coarser levels, lists of blocks. multiscale_benchmark, a million
/// points a side.
constexpr double multiscale_point = 120, multiscale_coordinate = 75;

double count_of(const Hdf5File& file, const std::string& dataset) {
  const auto shape = shape_of(file, dataset);
  return shape.empty() ? 0.0
                       : std::accumulate(shape.begin(), shape.end(), 1.0, std::multiplies<>());
}

/// Sizes of problems that share their points.
Geometry outline_of(const Hdf5File& file) {
  Geometry geometry;
  for (const char* side : {"weights", "source_weights", "target_weights"}) {
    const auto shape = shape_of(file, std::string("/measures/") + side);
    if (shape.size() != 2) continue;
    if (std::string(side) != "target_weights") geometry.n = shape[1];
    if (std::string(side) != "source_weights") geometry.m = shape[1];
  }
  const auto points = shape_of(file, "/geometry/source_points");
  if (points.size() == 2) geometry.dimension = points[1];
  geometry.kind = Geometry::Kind::points;
  for (int d = 0; file.has(fmt::format("/geometry/axis_{}", d)); ++d) {
    geometry.kind = Geometry::Kind::grid;
    geometry.axes.emplace_back();
  }
  return geometry;
}

/// Points of a measure: the most, and the mean.
struct CloudSizes {
  double most = 0, mean = 0;
};
CloudSizes sizes_of(const Hdf5File& file, const std::string& offsets) {
  if (shape_of(file, offsets).size() != 1) return {};
  const auto ends = read_integers(file, offsets);
  CloudSizes sizes;
  for (std::size_t s = 1; s < ends.size(); ++s) {
    const auto count = static_cast<double>(ends[s] - ends[s - 1]);
    sizes.most = std::max(sizes.most, count);
    sizes.mean += count / static_cast<double>(ends.size() - 1);
  }
  return sizes;
}

}  // namespace

std::vector<MemoryPart> multiscale_memory(const Hdf5File& file, const Job& job) {
  const bool shared = file.has("/measures/offsets");
  const std::string side = shared ? "/measures/" : "/measures/source_";
  const auto points = shape_of(file, side + "points");
  if (points.size() != 2 || job.problem.kind != ProblemKind::linear) return {};
  const auto source = sizes_of(file, side + "offsets"),
             target = shared ? source : sizes_of(file, "/measures/target_offsets");
  const bool asked = job.solver.method == methods::multiscale().name();
  const bool chosen = job.solver.method == automatic_method && points[1] <= 3 &&
                      source.mean * target.mean >= fewest_multiscale_pairs &&
                      initializer_named(job.solver.initializer).is_zero();
  if (!job.problem.balanced() || !(asked || chosen)) return {};
  const double coordinates = static_cast<double>(points[1]);
  return {{"cells and levels of the largest clouds",
           (multiscale_point + multiscale_coordinate * coordinates) * (source.most + target.most)}};
}

namespace {

/// What iterations keep of the costs between points that all problems share, see
/// solver.memory_mib.
double kept_bytes(const Geometry& geometry, const Job& job, int sharing) {
  if (geometry.kind != Geometry::Kind::points || !job.problem.balanced()) return 0;
  const double rows = std::ceil(static_cast<double>(geometry.n) / sharing);
  const double costs = number * rows * static_cast<double>(geometry.m);
  const double most = job.solver.memory_mib * 0x1p20;
  return costs <= most ? costs : 0;
}

}  // namespace

std::vector<MemoryPart> solve_memory(const Hdf5File& file, const Job& job, int sharing) {
  std::vector<MemoryPart> parts;
  const auto add = [&](std::string what, double bytes) {
    if (bytes > 0) parts.push_back({std::move(what), bytes});
  };
  double weights = 0, points = 0;
  for (const char* side : {"weights", "source_weights", "target_weights"})
    weights += count_of(file, std::string("/measures/") + side);
  for (const char* side : {"/measures/points", "/measures/source_points", "/measures/target_points",
                           "/geometry/source_points", "/geometry/target_points"})
    points += count_of(file, side);
  if (const auto cost = shape_of(file, "/geometry/cost"); cost.size() == 2)
    add(fmt::format("{:g} copies of the {} x {} costs", cost_copies, cost[0], cost[1]),
        cost_copies * number * static_cast<double>(cost[0]) * static_cast<double>(cost[1]));
  add("the measures' weights", weight_copies * number * weights);
  add("the points", point_copies * number * points);
  for (auto& part : multiscale_memory(file, job)) parts.push_back(std::move(part));
  const Geometry geometry = outline_of(file);
  if (geometry.dimension > 0)
    add("what iterations keep (solver.memory_mib)", kept_bytes(geometry, job, sharing));
  const double of_one =
      static_cast<double>(
          plan_output_bytes(job.solution, geometry.n, geometry.m, geometry.coordinates())) +
      (job.solution.potentials ? number * static_cast<double>(geometry.n + geometry.m) : 0.0);
  const double stored = count_of(file, "/problems/source");
  const double problems = sharing > 1 ? std::min(stored, 1.0) : stored;
  if (problems > 0)
    add("the solutions of a block of problems",
        solution_copies * std::max(of_one, std::min(problems * of_one, most_block_bytes)));
  return parts;
}

void require_multiscale_memory(const std::filesystem::path& population, const Job& job,
                               int processes) {
  require_memory(population.string(), multiscale_memory(Hdf5File::open(population), job), processes,
                 "smaller measures, fewer ranks on a machine or a larger limit are needed, or "
                 "solver.method = 'sinkhorn' with solver.shard = 'rows', where every rank has a "
                 "share of the points");
}

void require_solve_memory(const std::filesystem::path& population, const Job& job, int processes,
                          int sharing) {
  const auto parts = solve_memory(Hdf5File::open(population), job, sharing);
  const bool dense = std::any_of(parts.begin(), parts.end(), [](const MemoryPart& part) {
    return part.what.find("costs") != std::string::npos;
  });
  require_memory(
      population.string(), parts, processes,
      std::string("fewer or smaller measures, fewer ranks on a machine or a larger limit "
                  "are needed") +
          (dense ? ", or problem.geometry = 'points', which stores no costs" : ""));
}

}  // namespace otfleet
