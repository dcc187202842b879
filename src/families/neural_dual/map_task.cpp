#include "src/families/neural_dual/map_task.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "distributed/error.hpp"
#include "src/data/array_file.hpp"
#include "src/data/fingerprint.hpp"
#include "src/families/neural_dual/neural_dual_checkpoint.hpp"
#include "src/families/neural_dual/point_mapper.hpp"
#include "src/runs/input_files.hpp"
#include "src/runs/stop_watch.hpp"

namespace otfleet {
namespace {

using distributed::Shard;

struct PointsAndMap {
  Array points;  ///< [N, D]
  std::optional<NeuralDual> model;
  std::optional<PointMapper> mapper;
};

}  // namespace

SolveTask make_map_task(const CommandContext& context, Report& report) {
  const Job& job = context.job;
  const auto& communicator = context.communicator;
  const auto state = std::make_shared<PointsAndMap>();
  std::string fingerprint, checksum;
  {
    const PhaseTimer timer(report, "read");
    communicator.agree([&] {
      const auto file =
          find_input(context, job.files.checkpoint, "files.checkpoint", "train", "model.h5");
      if (job.map.points.empty())
        throw UserError(
            "otfleet solve with problem = 'potentials': map.points.file names no points");
      state->points = read_points(job.map.points, "point");
      state->model.emplace(read_neural_dual(file, job, state->points.shape[1]));
      checksum = read_checksum(file);
      if (!communicator.is_root()) return;
      Fnv hash;
      hash.add(state->points.shape);
      hash.add(state->points.values);
      fingerprint = hash.digits();
    });
  }
  fingerprint = communicator.broadcast(fingerprint);
  const std::int64_t count = state->points.shape[0], dimension = state->points.shape[1];
  const bool forward = job.map.direction == MapDirection::forward;
  SolveTask task{{job.map.points.file, {count, dimension, fingerprint}}};
  task.content = fingerprint + " " + checksum;
  task.method = forward ? "gradient" : word_of(job.conjugate.solver);
  task.reason = "map.direction = '" + word_of(job.map.direction) + "'";
  task.first_problems = std::min<std::int64_t>(1024, count);
  task.most_problems = 16384;
  task.prepare = [state, &job] { state->mapper.emplace(*state->model, job.conjugate); };
  task.work = [](Shard rows) { return static_cast<double>(rows.size()); };
  task.solve = [state, dimension, forward](Shard rows, SolveSeconds& seconds, SolveControl&) {
    const StopWatch watch(seconds.iterate);
    const auto points = std::span<const double>(state->points.values)
                            .subspan(static_cast<std::size_t>(rows.begin * dimension),
                                     static_cast<std::size_t>(rows.size() * dimension));
    MappedPoints mapped =
        forward ? state->mapper->forward(points) : state->mapper->backward(points);
    Solutions solutions;
    solutions.image = std::move(mapped.image);
    solutions.dual_value = std::move(mapped.value);
    solutions.residual = std::move(mapped.residual);
    solutions.round_trip = std::move(mapped.round_trip);
    solutions.iterations = std::move(mapped.iterations);
    solutions.status = std::move(mapped.status);
    return solutions;
  };
  return task;
}

}  // namespace otfleet
