#include "src/families/metric_learning/metric_options.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include "kernels/paths/lagrangian.hpp"
#include "src/config/checks.hpp"
#include "src/families/metric_learning/set_sequence.hpp"
#include "src/job.hpp"

namespace otfleet {

void add_keys(KeyList& keys, MetricOptions& metric) {
  using namespace checks;
  auto names = set_sequence_names();
  names.emplace_back();
  keys.add("sequence", metric.sequence, one_of(names),
           fmt::format("sets of samples that move in the plane: {}; metric_learning only, as all "
                       "of [metric]",
                       fmt::join(set_sequence_names(), ", ")));
  add_array(keys, "points", metric.points,
            "or sets of yours [T, N, 2], one after the other: N points at each of T times");
  keys.add("draws", metric.draws, integer(2, 5000), "points of every set of metric.sequence");
  const auto low_to_high = [](const std::vector<double>& box) -> std::string {
    if (auto fault = box_fault(box); !fault.empty() || box.empty()) return fault;
    return box[0] < box[1] && box[2] < box[3] ? "" : "must be low, high, low, high";
  };
  keys.add("box", metric.box, low_to_high,
           "where the metric lies: least and largest x, then y; beyond, it goes on as at its edge; "
           "none: around all points");
  keys.add("cells", metric.cells, integer(4, 300),
           "along each axis of the grid that paths see the metric on");
  keys.add("couple_every", metric.couple_every, integer(1),
           "steps of the metric after which pairs of points are found again");
  keys.add("orient_steps", metric.orient_steps, integer(0),
           "first steps, in which directions learn where points move without a metric, so that "
           "they turn no more than that");
}

void set_metric_defaults(Job& job) {
  job.lagrangian.name = kernels::DirectionsLagrangian::name;
  job.model.architecture = "mlp";
  job.model.hidden = {64, 64, 64, 64};
  job.model.activation = kernels::Activation::silu;
  job.path.starts = 1;
  job.train.steps = 1000;
  job.train.batch = 128;
  job.train.learning_rate = 5e-3;
  job.train.clip = 0;
  job.train.log_every = 20;
}

std::string metric_complaint(const Job& job) {
  const auto& metric = job.metric;
  if (job.problem.kind != ProblemKind::metric_learning) {
    for (const auto& key : job.given)
      if (key.starts_with("metric.")) return key + " needs problem = 'metric_learning'";
    return {};
  }
  if (job.lagrangian.name != kernels::DirectionsLagrangian::name)
    return fmt::format("problem = 'metric_learning' needs lagrangian.name = '{}', not '{}'",
                       kernels::DirectionsLagrangian::name, job.lagrangian.name);
  constexpr std::int64_t most_batch = 5000;  // its square are the costs of a plan
  if (job.train.batch > most_batch)
    return fmt::format("train.batch = {}: problem = 'metric_learning' takes at most {}",
                       job.train.batch, most_batch);
  if (!(job.lagrangian.parameters.at("along") < 1))
    return "lagrangian.along must be below 1 with problem = 'metric_learning': at 1 there are no "
           "directions";
  if (job.lagrangian.has_grid() || !job.lagrangian.box.empty())
    return "the grid and the box of [lagrangian] are what is learned; metric.box says where";
  if (!metric.sequence.empty() && !metric.points.empty())
    return "only one of metric.sequence and metric.points.file can be given";
  if (metric.sequence.empty() && metric.points.empty())
    return "problem = 'metric_learning' needs metric.sequence or metric.points.file";
  if (!metric.points.empty() && job.sets("metric.draws"))
    return "metric.draws is for metric.sequence; metric.points.file has its own number";
  return {};
}

}  // namespace otfleet
