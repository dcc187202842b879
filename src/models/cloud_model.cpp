#include "src/models/cloud_model.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "distributed/error.hpp"
#include "kernels/runtime.hpp"
#include "src/models/architecture_record.hpp"
#include "src/models/cloud_model_complaint.hpp"
#include "src/populations/cost_statistic.hpp"

namespace otfleet {
namespace {

/// Problems whose predictions are made together: bounds the memory of hidden layers.
std::size_t most_at_once() {
  return kernels::runs_on_gpu() ? 4096 : 256;
}

/// Predictions for clouds; nothing of a measure is kept from one pair to the next.
class CloudPredictor final : public StartPredictor {
 public:
  explicit CloudPredictor(const CloudModel& model) : model_(model) {}

  void predict(const kernels::Problems& problems, std::span<const std::int32_t>,
               std::span<const std::int32_t>, double epsilon, kernels::NetworkStart& learned,
               const DeviceArray<double>& f) const override {
    learned = {};
    const auto offsets = problems.source_offsets();
    const auto all = static_cast<std::size_t>(problems.size());
    const std::size_t at_once = most_at_once();
    std::vector<std::int32_t> some;
    for (std::size_t first = 0; first < all; first += at_once) {
      const std::size_t last = std::min(first + at_once, all);
      some.clear();
      for (std::size_t k = first; k < last; ++k) some.push_back(static_cast<std::int32_t>(k));
      model_.predict(last - first == all ? problems : problems.select(some), epsilon,
                     f.rows(static_cast<std::size_t>(offsets[first]),
                            static_cast<std::size_t>(offsets[last])));
    }
  }

 private:
  const CloudModel& model_;
};

/// Nodes of the splines where the job does not say.
std::int64_t usual_nodes(std::int64_t dimension) {
  return dimension == 1 ? 64 : dimension == 2 ? 20 : 10;
}

}  // namespace

CloudModel::CloudModel(const CloudModelDescription& description, std::int64_t seed)
    : description_(description),
      network_(network_library().make_coefficient_network(description, seed)) {}

std::unique_ptr<StartModel> CloudModel::copy() const {
  auto result = std::make_unique<CloudModel>(description_, 0);
  result->parameters().copy_from(network_->parameters());
  return result;
}

std::unique_ptr<StartPredictor> CloudModel::predictor(const kernels::Problems&) const {
  return std::make_unique<CloudPredictor>(*this);
}

CloudModel::Seen CloudModel::see(const kernels::Problems& problems, double epsilon) const {
  const auto basis = description_.basis();
  const auto rows = static_cast<std::size_t>(problems.size());
  Seen seen;
  seen.problems = problems;
  seen.frames = description_.pair_frames ? kernels::pair_frames(problems)
                                         : kernels::box_frames(problems, description_.box);
  seen.source = DeviceArray<float, 2>(uninitialized, "otfleet::models::source", rows,
                                      static_cast<std::size_t>(description_.source_inputs()));
  seen.target = DeviceArray<float, 2>(uninitialized, "otfleet::models::target", rows,
                                      static_cast<std::size_t>(basis.size()));
  kernels::spline_inputs(problems, seen.frames, basis, kernels::Side::source, epsilon, seen.source);
  kernels::spline_inputs(problems, seen.frames, basis, kernels::Side::target, epsilon, seen.target);
  return seen;
}

void CloudModel::answer(const Seen& seen, double epsilon, const DeviceArray<double>& f,
                        bool keep) const {
  kernels::spline_potential(seen.problems, seen.frames, description_.basis(), epsilon,
                            network_->run(seen.source, seen.target, keep), f);
}

void CloudModel::predict(const kernels::Problems& problems, double epsilon,
                         const DeviceArray<double>& f) const {
  answer(see(problems, epsilon), epsilon, f, false);
}

void CloudModel::forward(const kernels::Problems& problems, double epsilon,
                         const DeviceArray<double>& f) {
  seen_ = see(problems, epsilon);
  answer(seen_, epsilon, f, true);
}

void CloudModel::backward(const DeviceArray<const double>& slope,
                          const GradientListener& listener) {
  const auto basis = description_.basis();
  const DeviceArray<float, 2> gradient(
      uninitialized, "otfleet::models::gradient",
      slope.empty() ? 0 : static_cast<std::size_t>(seen_.problems.size()),
      static_cast<std::size_t>(basis.size()));
  if (!slope.empty())
    kernels::spline_gradient(seen_.problems, seen_.frames, basis, slope, gradient);
  network_->backward(gradient, listener);
}

CloudModelDescription outline_cloud_model(const Job& job, const CloudPopulation& population) {
  if (const auto complaint = cloud_model_complaint(population.dimension); !complaint.empty())
    throw UserError("a model of clouds " + complaint);
  refuse_pooling(job.model);
  CloudModelDescription description;
  description.architecture = job.model;
  description.dimension = population.dimension;
  description.nodes = job.model.nodes > 0 ? job.model.nodes : usual_nodes(population.dimension);
  constexpr double most_splines = 1 << 16;
  if (description.nodes < kernels::fewest_spline_nodes ||
      std::pow(static_cast<double>(description.nodes), static_cast<double>(description.dimension)) >
          most_splines)
    throw UserError(fmt::format(
        "model.nodes = {}: a grid of {} dimensions needs at least {} nodes along an axis, and "
        "{:.0f} in all at most",
        description.nodes, description.dimension, kernels::fewest_spline_nodes, most_splines));
  description.pair_frames = with_ground_cost(population.ground_cost,
                                             [](const auto& cost) { return cost.maps_gaussians; });
  description.epsilon = job.problem.epsilon;
  description.geometry = population.fingerprint();
  return description;
}

CloudModelDescription describe_cloud_model(const Job& job, const CloudPopulation& population) {
  CloudModelDescription description = outline_cloud_model(job, population);
  if (!description.pair_frames) {
    auto& box = description.box;
    std::fill(std::begin(box.lower), std::end(box.lower), std::numeric_limits<double>::max());
    std::fill(std::begin(box.upper), std::end(box.upper), std::numeric_limits<double>::lowest());
    const auto d = static_cast<std::size_t>(population.dimension);
    for (const CloudTable* table : {&population.sources, &population.targets})
      for (std::size_t at = 0; at < table->points.size(); ++at) {
        box.lower[at % d] = std::min(box.lower[at % d], table->points[at]);
        box.upper[at % d] = std::max(box.upper[at % d], table->points[at]);
      }
    box.scale = cloud_cost_statistic(population, CostStatistic::mean);
  }
  return description;
}

void CloudModel::write_description(distributed::Hdf5File& file) const {
  const auto& [architecture, dimension, nodes, pair_frames, box, epsilon, geometry] = description_;
  write_architecture(file, architecture);
  file.set_attribute("/model", "dimension", dimension);
  file.set_attribute("/model", "nodes", nodes);
  file.set_attribute("/model", "pair_frames", std::int64_t{pair_frames});
  if (!pair_frames) {
    std::vector<double> bounds(box.lower, box.lower + dimension);
    bounds.insert(bounds.end(), box.upper, box.upper + dimension);
    file.write<double>("/model/box", {2, dimension}, bounds);
    file.set_attribute("/model", "scale", box.scale);
  }
  file.set_attribute("/model", "epsilon", epsilon);
  file.set_attribute("/model", "geometry", geometry);
}

std::unique_ptr<CloudModel> read_cloud_checkpoint(const std::filesystem::path& path,
                                                  const CloudModelDescription& expected,
                                                  TrainingState* state) {
  const CheckpointFile file(path);
  CloudModelDescription found;
  found.architecture = read_architecture(file);
  found.nodes = std::llround(file.number("nodes", 0));
  if (found.nodes == 0)
    throw UserError(file.name() +
                    ": was trained for points that all problems share; in this population every "
                    "measure has its own");
  found.dimension = std::llround(file.number("dimension"));
  found.pair_frames = file.number("pair_frames") != 0;
  found.epsilon = file.number("epsilon");
  found.geometry = file.text("geometry");
  if (found.geometry != expected.geometry)
    throw UserError(
        fmt::format("{}: was trained for another cost or dimension ({}) than the "
                    "population's ({})",
                    file.name(), found.geometry, expected.geometry));
  require_same_architecture(file.name(), found.architecture, expected.architecture);
  if (found.nodes != expected.nodes)
    throw UserError(fmt::format(
        "{}: holds a model with nodes = {}, but the job asks for {}; change [model] or train again",
        file.name(), found.nodes, expected.nodes));
  if (!found.pair_frames) {
    const auto bounds = file.numbers("box");
    const auto d = static_cast<std::size_t>(found.dimension);
    if (bounds.size() != 2 * d)
      throw UserError(file.name() + ": not an otfleet checkpoint (/model/box has another shape)");
    std::copy_n(bounds.begin(), d, found.box.lower);
    std::copy_n(bounds.begin() + static_cast<std::ptrdiff_t>(d), d, found.box.upper);
    found.box.scale = file.number("scale");
  }
  auto model = std::make_unique<CloudModel>(found, 0);
  file.read(*model, state);
  return model;
}

}  // namespace otfleet
