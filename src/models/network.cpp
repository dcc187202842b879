#include "src/models/network.hpp"

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

std::int64_t blocks(std::int64_t length, std::int64_t pooling) {
  return (length + pooling - 1) / pooling;
}

/// How many numbers pooling leaves of a measure's.
std::int64_t pooled(std::int64_t points, const std::vector<std::int64_t>& grid,
                    std::int64_t pooling) {
  if (pooling == 1) return points;
  std::int64_t count = 1;
  for (const std::int64_t length : grid) count *= blocks(length, pooling);
  return count;
}

}  // namespace

PotentialModel::Network::Network(const ModelDescription& given) : description(given) {
  const Job::Model& model = description.architecture;
  if (!encodes_pairs()) {
    body = layers(chain(description.n + description.m, model.hidden, description.n), false);
  } else {
    // One encoder gives both roles' codes; with separate encoders each still gives two, so that
    // the two cases share their code.
    const auto encoder = [&](std::int64_t points) {
      return layers(
          chain(pooled(points, description.grid, model.pooling), model.hidden, 2 * model.embedding),
          true);
    };
    source_encoder = encoder(description.n);
    target_encoder = description.shared_measures ? source_encoder : encoder(description.m);
    const bool full = model.output_rank == 0;
    head =
        layers(chain(model.embedding, model.head, full ? description.n : model.output_rank), true);
    if (!full) head->push_back(torch::nn::Linear(model.output_rank, description.n));
  }
  flatten();
}

torch::Tensor PotentialModel::Network::scale_weights(const torch::Tensor& weights) {
  const torch::Tensor scale = 0.25 / weights.mean(1, /*keepdim=*/true);
  return (weights * scale).to(torch::kFloat32);
}

torch::Tensor PotentialModel::Network::pool(const torch::Tensor& weights) const {
  const std::int64_t pooling = description.architecture.pooling;
  if (pooling == 1) return weights;
  const std::int64_t measures = weights.size(0), points = weights.size(1);
  std::int64_t before = measures, after = points;
  torch::Tensor sums = weights;
  for (const std::int64_t length : description.grid) {
    after /= length;
    const std::int64_t count = blocks(length, pooling);
    sums = sums.reshape({before, length, after});
    if (count * pooling > length)
      sums = torch::constant_pad_nd(sums, {0, 0, 0, count * pooling - length});
    sums = sums.view({before, count, pooling, after}).sum(2);
    before *= count;
  }
  return sums.view({measures, pooled(points, description.grid, pooling)});
}

torch::Tensor PotentialModel::Network::encode(torch::nn::Sequential& encoder,
                                              const torch::Tensor& weights) const {
  return encoder->forward(scale_weights(pool(weights)));
}

torch::Tensor PotentialModel::Network::join(const torch::Tensor& source_codes,
                                            const torch::Tensor& target_codes) {
  const auto embedding = description.architecture.embedding;
  return head->forward(torch::gelu(source_codes.narrow(1, 0, embedding) +
                                   target_codes.narrow(1, embedding, embedding)));
}

torch::Tensor PotentialModel::Network::run(const torch::Tensor& a, const torch::Tensor& b) {
  if (!encodes_pairs()) return body->forward(torch::cat({scale_weights(a), scale_weights(b)}, 1));
  return join(encode(source_encoder, a), encode(target_encoder, b));
}

std::vector<std::pair<std::string, torch::Tensor>> PotentialModel::Network::named_parameters()
    const {
  std::vector<std::pair<std::string, torch::Tensor>> result;
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

void PotentialModel::Network::flatten() {
  const auto named = named_parameters();
  std::int64_t total = 0;
  for (const auto& [name, tensor] : named) total += tensor.numel();
  const torch::NoGradGuard no_graph;
  const auto options = torch::dtype(torch::kFloat32).device(torch_device());
  parameters = torch::empty({total}, options);
  gradients = torch::zeros({total}, options);
  std::int64_t offset = 0;
  for (const auto& [name, tensor] : named) {
    const auto size = tensor.numel();
    const torch::Tensor place = parameters.narrow(0, offset, size).view(tensor.sizes());
    place.copy_(tensor);
    torch::Tensor parameter = tensor;
    parameter.set_data(place);
    parameter.mutable_grad() = gradients.narrow(0, offset, size).view(tensor.sizes());
    offset += size;
  }
}

torch::Tensor potential_from(const torch::Tensor& phi, const torch::Tensor& a, double epsilon) {
  return phi.to(torch::kFloat64) + epsilon * torch::log(a);
}

}  // namespace otfleet
