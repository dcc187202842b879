#include "src/families/metric_learning/metric_model.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <cmath>

#include "distributed/error.hpp"
#include "src/families/least_action/lagrangian_choice.hpp"

namespace otfleet {
namespace {

/// The numbers (a² − b², 2ab) / |(a, b)|² of a vector, softened where it is next to nothing.
struct DoubledVector {
  double a, b, square, q[2];

  DoubledVector(double x, double y) : a(x), b(y), square(x * x + y * y + 1e-4) {
    q[0] = (a * a - b * b) / square;
    q[1] = 2 * a * b / square;
  }

  /// The derivative by a and b of what has these by q.
  void slope(const double* by_q, float* by_vector) const {
    const double along = by_q[0] * q[0] + by_q[1] * q[1];
    by_vector[0] = static_cast<float>(2 * (a * by_q[0] + b * by_q[1] - a * along) / square);
    by_vector[1] = static_cast<float>(2 * (a * by_q[1] - b * by_q[0] - b * along) / square);
  }
};

std::string metric_text(const MetricDescription& description) {
  return fmt::format("mlp with hidden = [{}], activation = {} on {} x {} cells, along = {:g}",
                     fmt::join(description.hidden, ", "), word_of(description.activation),
                     description.cells, description.cells, description.along);
}

std::size_t nodes_of(const MetricDescription& description) {
  const auto wide = static_cast<std::size_t>(description.cells + 1);
  return wide * wide;
}

}  // namespace

MetricModel::MetricModel(const MetricDescription& description, std::int64_t seed)
    : description_(description),
      network_(network_library().make_vector_network(
          {2, 2, description.hidden, description.activation}, seed)) {
  const std::size_t nodes = nodes_of(description);
  std::vector<float> places;
  for (std::int64_t i = 0; i <= description.cells; ++i)
    for (std::int64_t j = 0; j <= description.cells; ++j)
      for (const std::int64_t at : {j, i})
        places.push_back(static_cast<float>(
            2.0 * static_cast<double>(at) / static_cast<double>(description.cells) - 1));
  places_ = upload<float>("otfleet::metric::places", places, nodes, 2);
  vectors_ = DeviceArray<float, 2>("otfleet::metric::vectors", nodes, std::size_t{2});
  slope_ = DeviceArray<float, 2>("otfleet::metric::slope", nodes, std::size_t{2});
}

void MetricModel::run(bool keep) const {
  network_->run(places_, vectors_, keep);
}

kernels::DirectionsLagrangian MetricModel::lagrangian(bool keep) {
  run(keep);
  const auto vectors = vectors_.download();
  const std::size_t nodes = vectors.size() / 2;
  auto numbers = std::make_shared<std::vector<double>>(2 * nodes);
  for (std::size_t k = 0; k < nodes; ++k) {
    const DoubledVector doubled(vectors[2 * k], vectors[2 * k + 1]);
    (*numbers)[k] = doubled.q[0];
    (*numbers)[nodes + k] = doubled.q[1];
  }
  kernels::DirectionsLagrangian directions;
  directions.along = description_.along;
  directions.field = field_over(description_.box, description_.cells + 1, description_.cells + 1);
  directions.values = std::move(numbers);
  return directions;
}

void MetricModel::backward(std::span<const double> slope, const GradientListener& listener) {
  if (slope.empty()) {
    network_->backward({}, listener);
    return;
  }
  const auto vectors = vectors_.download();
  const std::size_t nodes = vectors.size() / 2;
  std::vector<float> by_vectors(2 * nodes);
  for (std::size_t k = 0; k < nodes; ++k) {
    const double by_q[2] = {slope[k], slope[nodes + k]};
    DoubledVector(vectors[2 * k], vectors[2 * k + 1]).slope(by_q, &by_vectors[2 * k]);
  }
  slope_.upload(std::span<const float>(by_vectors));
  network_->backward(slope_, listener);
}

void MetricModel::backward_to(std::span<const double> places, std::span<const double> directions,
                              double weight, const GradientListener& listener) {
  const auto vectors = vectors_.download();
  const auto field = field_over(description_.box, description_.cells + 1, description_.cells + 1);
  std::vector<double> slope(vectors.size(), 0.0);
  for (std::size_t k = 0; k < places.size(); k += 2) {
    const auto near = field.stencil(places[k], places[k + 1]);
    double difference[2] = {-directions[k], -directions[k + 1]};
    const auto for_each_node = [&](const auto& body) {
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j)
          body(2 * static_cast<std::size_t>(near.row[i] * field.columns + near.column[j]),
               near.weight[1][i] * near.weight[0][j]);
    };
    for_each_node([&](std::size_t node, double share) {
      for (std::size_t axis = 0; axis < 2; ++axis) difference[axis] += share * vectors[node + axis];
    });
    for_each_node([&](std::size_t node, double share) {
      for (std::size_t axis = 0; axis < 2; ++axis)
        slope[node + axis] += 2 * weight * share * difference[axis];
    });
  }
  const std::vector<float> by_vectors(slope.begin(), slope.end());
  slope_.upload(std::span<const float>(by_vectors));
  network_->backward(slope_, listener);
}

void MetricModel::write_description(distributed::Hdf5File& file) const {
  file.set_attribute("/model", "problem", word_of(ProblemKind::metric_learning));
  file.set_attribute("/model", "architecture", std::string("mlp"));
  file.set_attribute("/model", "activation", word_of(description_.activation));
  file.set_attribute("/model", "cells", description_.cells);
  file.set_attribute("/model", "along", description_.along);
  file.set_attribute("/model", "sequence", description_.sequence);
  file.write<std::int64_t>("/model/hidden", {static_cast<std::int64_t>(description_.hidden.size())},
                           description_.hidden);
  file.write<double>("/model/box", {4}, description_.box);
  run(false);
  const auto vectors = vectors_.download();
  std::vector<double> metric;
  for (std::size_t k = 0; k < vectors.size(); k += 2) {
    const DoubledVector doubled(vectors[k], vectors[k + 1]);
    const double half = (1 - description_.along) / 2, difference = half * doubled.q[0],
                 across = -half * doubled.q[1];
    metric.insert(metric.end(), {1 - half - difference, across, across, 1 - half + difference});
  }
  const std::int64_t wide = description_.cells + 1;
  file.write<double>("/model/metric", {wide, wide, 2, 2}, metric);
}

MetricDescription describe_metric(const Job& job, const std::vector<double>& box) {
  MetricDescription description;
  description.hidden = job.model.hidden;
  description.activation = job.model.activation;
  description.box = box;
  description.cells = job.metric.cells;
  description.along = job.lagrangian.parameters.at("along");
  return description;
}

std::unique_ptr<MetricModel> read_metric(const std::filesystem::path& path, const Job& job,
                                         TrainingState* state) {
  const CheckpointFile file(path);
  file.require_problem(ProblemKind::metric_learning);
  MetricDescription found;
  found.hidden = file.list("hidden");
  found.activation = file.choice<kernels::Activation>("activation");
  found.box = file.numbers("box");
  found.cells = std::llround(file.number("cells"));
  found.along = file.number("along");
  found.sequence = file.text("sequence");
  const std::string have = metric_text(found), want = metric_text(describe_metric(job, found.box));
  if (have != want)
    throw UserError(fmt::format(
        "{}: holds {}, but the job asks for {}; change [model] and [metric] or train again",
        file.name(), have, want));
  if (found.box.size() != 4 || !(found.box[0] < found.box[1]) || !(found.box[2] < found.box[3]))
    throw UserError(file.name() + ": /model/box is damaged");
  auto model = std::make_unique<MetricModel>(found, 0);
  file.read(*model, state);
  return model;
}

}  // namespace otfleet
