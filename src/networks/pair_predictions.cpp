#include <algorithm>
#include <vector>

#include "kernels/api/learned_start.hpp"
#include "src/networks/pair_potential.hpp"

namespace otfleet {
namespace {

/// Measures or pairs: bounds the memory of hidden layers, which on a CPU stay in its caches from
/// one layer to the next.
std::size_t most_at_once() {
  return kernels::runs_on_gpu() ? 4096 : 256;
}

DeviceArray<int> uploaded(std::span<const std::int32_t> measures) {
  return upload<std::int32_t>("otfleet::models::measures", measures);
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
  void encode(LayeredPairPotential& network, bool source, std::span<const std::int32_t> measures) {
    std::vector<std::int32_t> fresh;
    for (const std::int32_t measure : measures) {
      auto& row = row_[static_cast<std::size_t>(measure)];
      if (row >= 0) continue;
      row = count_++;
      fresh.push_back(measure);
    }
    if (fresh.empty()) return;
    const torch::Tensor codes =
        network.layers().encode(source, network.inputs(source, weights_, uploaded(fresh)));
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

class LayeredPredictions final : public PairPredictions {
 public:
  LayeredPredictions(LayeredPairPotential& network, DeviceArray<const double, 2> source,
                     DeviceArray<const double, 2> target)
      : network_(network),
        source_weights_(source),
        target_weights_(target),
        source_codes_(source),
        target_codes_(target) {}

  kernels::NetworkStart predict(std::span<const std::int32_t> sources,
                                std::span<const std::int32_t> targets) override {
    const torch::NoGradGuard no_graph;
    const auto& interpolation = network_.interpolation();
    const DeviceArray<float, 2> outputs(uninitialized, "otfleet::models::outputs", sources.size(),
                                        static_cast<std::size_t>(interpolation.outputs()));
    const std::size_t at_once = most_at_once();
    for (std::size_t first = 0; first < sources.size(); first += at_once) {
      const std::size_t count = std::min(at_once, sources.size() - first);
      tensor_of(outputs.rows(first, first + count))
          .copy_(output_of(sources.subspan(first, count), targets.subspan(first, count)));
    }
    return {outputs, interpolation.on_device()};
  }

 private:
  torch::Tensor output_of(std::span<const std::int32_t> sources,
                          std::span<const std::int32_t> targets) {
    PairNetwork& layers = network_.layers();
    if (!layers.encodes())
      return layers.run(network_.inputs(true, source_weights_, uploaded(sources)),
                        network_.inputs(false, target_weights_, uploaded(targets)));
    const bool shared = network_.shared_measures();
    CodeBook& second = shared ? source_codes_ : target_codes_;
    source_codes_.encode(network_, true, sources);
    second.encode(network_, shared, targets);
    return layers.join(source_codes_.of(sources), second.of(targets));
  }

  LayeredPairPotential& network_;
  DeviceArray<const double, 2> source_weights_, target_weights_;
  /// Where there are codes; shared measures have those of the source.
  CodeBook source_codes_, target_codes_;
};

}  // namespace

std::unique_ptr<PairPredictions> LayeredPairPotential::predictions(
    DeviceArray<const double, 2> source_weights, DeviceArray<const double, 2> target_weights) {
  return std::make_unique<LayeredPredictions>(*this, source_weights, target_weights);
}

}  // namespace otfleet
