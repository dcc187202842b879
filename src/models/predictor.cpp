#include <algorithm>
#include <vector>

#include "src/models/network.hpp"

namespace otfleet {

struct Predictor::State {
  PotentialModel::Network& network;
  torch::Tensor source_weights, target_weights;  ///< float64, over the caller's memory
  Matrix<const double, ExecutionSpace> keep_source, keep_target;
  torch::Tensor source_codes, target_codes;      ///< [measures named, embedding]
  std::vector<std::int64_t> source_row, target_row;  ///< measure -> row of its code, −1: none
};

namespace {

torch::Tensor index_tensor(std::span<const std::int32_t> indices) {
  const torch::Tensor values = torch::empty({static_cast<std::int64_t>(indices.size())}, torch::kInt64);
  std::copy(indices.begin(), indices.end(), values.data_ptr<std::int64_t>());
  return values.to(torch_device());
}

/// The measures named, once each, and where each one's row is.
std::vector<std::int32_t> distinct(std::span<const std::int32_t> named, std::int64_t measures,
                                   std::vector<std::int64_t>& row) {
  std::vector<std::int32_t> result;
  row.assign(static_cast<std::size_t>(measures), -1);
  for (const std::int32_t measure : named) {
    if (row[static_cast<std::size_t>(measure)] >= 0) continue;
    row[static_cast<std::size_t>(measure)] = static_cast<std::int64_t>(result.size());
    result.push_back(measure);
  }
  return result;
}

torch::Tensor rows_of(const torch::Tensor& codes, const std::vector<std::int64_t>& row,
                      std::span<const std::int32_t> measures) {
  const torch::Tensor index =
      torch::empty({static_cast<std::int64_t>(measures.size())}, torch::kInt64);
  std::transform(measures.begin(), measures.end(), index.data_ptr<std::int64_t>(),
                 [&](std::int32_t measure) { return row[static_cast<std::size_t>(measure)]; });
  return codes.index_select(0, index.to(torch_device()));
}

}  // namespace

Predictor::Predictor(const PotentialModel& model, Matrix<const double, ExecutionSpace> source,
                     Matrix<const double, ExecutionSpace> target,
                     std::span<const std::int32_t> sources, std::span<const std::int32_t> targets)
    : state_(new State{*model.network_, tensor_of(source), tensor_of(target), source, target, {}, {},
                       {}, {}}) {
  auto& network = state_->network;
  if (!network.encodes_pairs()) return;
  const torch::NoGradGuard no_graph;
  const auto first = distinct(sources, state_->source_weights.size(0), state_->source_row);
  const auto second = distinct(targets, state_->target_weights.size(0), state_->target_row);
  const auto scaled = [](const torch::Tensor& weights, std::span<const std::int32_t> which) {
    return PotentialModel::Network::scale_weights(weights.index_select(0, index_tensor(which)));
  };
  state_->source_codes = network.encode_source(scaled(state_->source_weights, first));
  state_->target_codes = network.encode_target(scaled(state_->target_weights, second));
}

Predictor::Predictor(Predictor&&) noexcept = default;
Predictor::~Predictor() = default;

void Predictor::predict(std::span<const std::int32_t> sources,
                        std::span<const std::int32_t> targets, double epsilon,
                        const Matrix<double, ExecutionSpace>& f) const {
  const torch::NoGradGuard no_graph;
  auto& network = state_->network;
  const torch::Tensor a = state_->source_weights.index_select(0, index_tensor(sources));
  torch::Tensor phi;
  if (network.encodes_pairs())
    phi = network.join(rows_of(state_->source_codes, state_->source_row, sources),
                       rows_of(state_->target_codes, state_->target_row, targets));
  else
    phi = network.run(a, state_->target_weights.index_select(0, index_tensor(targets)));
  tensor_of(f).copy_(potential_from(phi, a, epsilon));
}

}  // namespace otfleet
