#include "src/models/network.hpp"

#include <algorithm>
#include <numeric>

namespace otfleet {
namespace {

/// Fully connected layers of the given widths, an activation between them.
torch::nn::Sequential layers(const std::vector<std::int64_t>& widths, bool gelu) {
  torch::nn::Sequential result;
  for (std::size_t k = 0; k + 1 < widths.size(); ++k) {
    result->push_back(torch::nn::Linear(widths[k], widths[k + 1]));
    if (k + 2 == widths.size()) break;
    if (gelu)
      result->push_back(torch::nn::GELU());
    else
      result->push_back(torch::nn::ReLU());
  }
  return result;
}

std::vector<std::int64_t> chain(std::int64_t in, const std::vector<std::int64_t>& hidden,
                                std::int64_t out) {
  std::vector<std::int64_t> widths = {in};
  widths.insert(widths.end(), hidden.begin(), hidden.end());
  widths.push_back(out);
  return widths;
}

/// Blocks of `pooling` points along every axis of the grid, the last axis fastest; the last of an
/// axis may be smaller. Where pooling is 1 every point is one, on a grid or not.
kernels::PointBlocks<ExecutionSpace> make_blocks(std::int64_t points,
                                                 const std::vector<std::int64_t>& grid,
                                                 std::int64_t pooling) {
  const auto axes = pooling > 1 ? grid : std::vector<std::int64_t>{points};
  std::vector<std::int64_t> block_of(static_cast<std::size_t>(points), 0);
  std::int64_t blocks = 1, stride = 1;
  for (std::size_t d = axes.size(); d-- > 0; stride *= axes[d]) {
    for (std::int64_t i = 0; i < points; ++i)
      block_of[static_cast<std::size_t>(i)] += i / stride % axes[d] / pooling * blocks;
    blocks *= (axes[d] - 1) / pooling + 1;
  }
  std::vector<std::int32_t> order(block_of.size()), begin(static_cast<std::size_t>(blocks) + 1);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t i, std::int32_t j) { return block_of[i] < block_of[j]; });
  for (const std::int64_t block : block_of) ++begin[static_cast<std::size_t>(block) + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  return {upload_indices(order), upload_indices(begin)};
}

}  // namespace

PotentialModel::Network::Network(const ModelDescription& given) : description(given) {
  const Job::Model& model = description.architecture;
  const std::int64_t pooling = encodes_pairs() ? model.pooling : 1;
  source_blocks = make_blocks(description.n, description.grid, pooling);
  target_blocks = make_blocks(description.m, description.grid, pooling);
  if (!encodes_pairs()) {
    body = layers(chain(description.n + description.m, model.hidden, description.n), false);
  } else {
    // One encoder gives both roles' codes; with separate encoders each still gives two, so that
    // the two cases share their code.
    const auto encoder = [&](const kernels::PointBlocks<ExecutionSpace>& blocks) {
      return layers(chain(blocks.count(), model.hidden, 2 * model.embedding), true);
    };
    source_encoder = encoder(source_blocks);
    target_encoder = description.shared_measures ? source_encoder : encoder(target_blocks);
    const bool full = model.output_rank == 0;
    head =
        layers(chain(model.embedding, model.head, full ? description.n : model.output_rank), true);
    if (!full) head->push_back(torch::nn::Linear(model.output_rank, description.n));
  }
  flat.take(named_parameters());
}

torch::Tensor PotentialModel::Network::inputs(bool source,
                                              const Matrix<const double, ExecutionSpace>& weights,
                                              std::span<const std::int32_t> measures) const {
  const auto& blocks = source ? source_blocks : target_blocks;
  const torch::Tensor result =
      torch::empty({static_cast<std::int64_t>(measures.size()), blocks.count()},
                   torch::dtype(torch::kFloat32).device(torch_device()));
  const Matrix<float, ExecutionSpace> view(result.data_ptr<float>(), measures.size(),
                                           static_cast<std::size_t>(blocks.count()));
  kernels::network_inputs<ExecutionSpace>(ExecutionSpace(), weights, upload_indices(measures),
                                          blocks, view);
  return result;
}

torch::Tensor PotentialModel::Network::encode(bool source, const torch::Tensor& inputs) {
  return (source ? source_encoder : target_encoder)->forward(inputs);
}

torch::Tensor PotentialModel::Network::join(const torch::Tensor& source_codes,
                                            const torch::Tensor& target_codes) {
  const auto embedding = description.architecture.embedding;
  return head->forward(torch::gelu(source_codes.narrow(1, 0, embedding) +
                                   target_codes.narrow(1, embedding, embedding)));
}

torch::Tensor PotentialModel::Network::run(const torch::Tensor& source_inputs,
                                           const torch::Tensor& target_inputs) {
  if (!encodes_pairs()) return body->forward(torch::cat({source_inputs, target_inputs}, 1));
  return join(encode(true, source_inputs), encode(false, target_inputs));
}

FlatParameters::Named PotentialModel::Network::named_parameters() const {
  FlatParameters::Named result;
  const auto add = [&](const std::string& prefix, const torch::nn::Sequential& part) {
    for (const auto& item : part->named_parameters())
      result.emplace_back(prefix + "." + item.key(), item.value());
  };
  if (!encodes_pairs()) {
    add("body", body);
  } else {
    add("source_encoder", source_encoder);
    if (!description.shared_measures) add("target_encoder", target_encoder);
    add("head", head);
  }
  return result;
}

torch::Tensor potential_from(const torch::Tensor& phi, const torch::Tensor& a, double epsilon) {
  return phi.to(torch::kFloat64) + epsilon * torch::log(a);
}

}  // namespace otfleet
