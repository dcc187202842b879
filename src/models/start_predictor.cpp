#include <algorithm>
#include <vector>

#include "kernels/api/learned_start.hpp"
#include "src/models/network.hpp"

namespace otfleet {
namespace {

/// Measures or pairs: bounds the memory of hidden layers, which on a CPU stay in its caches from
/// one layer to the next.
std::size_t most_at_once() {
  return kernels::runs_on_gpu() ? 4096 : 256;
}

torch::Tensor index_tensor(std::span<const std::int32_t> indices) {
  const torch::Tensor values =
      torch::empty({static_cast<std::int64_t>(indices.size())}, torch::kInt64);
  std::copy(indices.begin(), indices.end(), values.data_ptr<std::int64_t>());
  return values.to(torch_device());
}

/// Codes of the measures of a side, made when they are first asked for.
class CodeBook {
 public:
  CodeBook() = default;
  explicit CodeBook(DeviceArray<const double, 2> weights)
      : weights_(std::move(weights)), row_(weights_.extent(0), -1) {}

  /// Encodes those of `measures` that have no code yet.
  void encode(PotentialModel::Network& network, bool source,
              std::span<const std::int32_t> measures) {
    std::vector<std::int32_t> fresh;
    for (const std::int32_t measure : measures) {
      auto& row = row_[static_cast<std::size_t>(measure)];
      if (row >= 0) continue;
      row = count_++;
      fresh.push_back(measure);
    }
    if (fresh.empty()) return;
    const torch::Tensor codes =
        network.layers->encode(source, network.inputs(source, weights_, fresh));
    if (!codes_.defined())
      codes_ =
          torch::empty({static_cast<std::int64_t>(row_.size()), codes.size(1)}, codes.options());
    const auto made = static_cast<std::int64_t>(fresh.size());
    codes_.slice(0, count_ - made, count_).copy_(codes);
  }

  torch::Tensor of(std::span<const std::int32_t> measures) const {
    std::vector<std::int32_t> rows(measures.size());
    std::transform(measures.begin(), measures.end(), rows.begin(),
                   [&](std::int32_t measure) { return row_[static_cast<std::size_t>(measure)]; });
    return codes_.index_select(0, index_tensor(rows));
  }

 private:
  DeviceArray<const double, 2> weights_;
  std::vector<std::int32_t> row_;  ///< measure -> row of its code, −1: none
  std::int32_t count_ = 0;
  torch::Tensor codes_;  ///< a row for every measure; the first `count_` are made
};

}  // namespace

struct StartPredictor::State {
  PotentialModel::Network& network;
  DeviceArray<const double, 2> source_weights, target_weights;
  CodeBook source_codes,
      target_codes;  ///< where there are codes; shared measures have those of the source

  torch::Tensor predict(std::span<const std::int32_t> sources,
                        std::span<const std::int32_t> targets) {
    if (!network.layers->encodes())
      return network.layers->run(network.inputs(true, source_weights, sources),
                                 network.inputs(false, target_weights, targets));
    CodeBook& second = network.description.shared_measures ? source_codes : target_codes;
    source_codes.encode(network, true, sources);
    second.encode(network, network.description.shared_measures, targets);
    return network.layers->join(source_codes.of(sources), second.of(targets));
  }
};

StartPredictor::StartPredictor(const PotentialModel& model, DeviceArray<const double, 2> source,
                               DeviceArray<const double, 2> target)
    : state_(new State{*model.network_, source, target, CodeBook(source), CodeBook(target)}) {}

StartPredictor::StartPredictor(StartPredictor&&) noexcept = default;
StartPredictor::~StartPredictor() = default;

void StartPredictor::predict(std::span<const std::int32_t> sources,
                             std::span<const std::int32_t> targets, double epsilon,
                             const DeviceArray<double, 2>& f) const {
  const torch::NoGradGuard no_graph;
  const std::size_t at_once = most_at_once();
  for (std::size_t first = 0; first < sources.size(); first += at_once) {
    const std::size_t count = std::min(at_once, sources.size() - first);
    const auto some_sources = sources.subspan(first, count);
    const torch::Tensor phi = state_->predict(some_sources, targets.subspan(first, count));
    kernels::learned_initializer({phi.data_ptr<float>(), {count, f.extent(1)}},
                                 state_->source_weights,
                                 upload<std::int32_t>("otfleet::models::sources", some_sources),
                                 epsilon, f.rows(first, first + count));
  }
}

}  // namespace otfleet
