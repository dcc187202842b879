#include <algorithm>
#include <vector>

#include "kernels/initializers/learned.hpp"
#include "src/models/network.hpp"

namespace otfleet {
namespace {

/// Measures or pairs: bounds the memory of hidden layers, which on a CPU stay in its caches from
/// one layer to the next.
constexpr std::int64_t at_once = kernels::runs_on_host<ExecutionSpace> ? 256 : 4096;

torch::Tensor index_tensor(std::span<const std::int32_t> indices) {
  const torch::Tensor values =
      torch::empty({static_cast<std::int64_t>(indices.size())}, torch::kInt64);
  std::copy(indices.begin(), indices.end(), values.data_ptr<std::int64_t>());
  return values.to(torch_device());
}

/// Codes of some of the measures, and where each one's is.
class CodeBook {
 public:
  CodeBook() = default;

  /// Encodes the measures of a side that either list names.
  CodeBook(PotentialModel::Network& network, bool source,
           const Matrix<const double, ExecutionSpace>& weights, std::span<const std::int32_t> first,
           std::span<const std::int32_t> second)
      : row_(weights.extent(0), -1) {
    std::vector<std::int32_t> distinct;
    for (const auto named : {first, second})
      for (const std::int32_t measure : named) {
        auto& row = row_[static_cast<std::size_t>(measure)];
        if (row >= 0) continue;
        row = static_cast<std::int32_t>(distinct.size());
        distinct.push_back(measure);
      }
    std::vector<torch::Tensor> parts;
    for (std::size_t begin = 0; begin < distinct.size() || begin == 0; begin += at_once) {
      const auto count = std::min<std::size_t>(at_once, distinct.size() - begin);
      const auto some = std::span(distinct).subspan(begin, count);
      parts.push_back(network.encode(source, network.inputs(source, weights, some)));
    }
    codes_ = torch::cat(parts);
  }

  torch::Tensor of(std::span<const std::int32_t> measures) const {
    std::vector<std::int32_t> rows(measures.size());
    std::transform(measures.begin(), measures.end(), rows.begin(),
                   [&](std::int32_t measure) { return row_[static_cast<std::size_t>(measure)]; });
    return codes_.index_select(0, index_tensor(rows));
  }

 private:
  std::vector<std::int32_t> row_;  ///< measure -> row of its code, −1: none
  torch::Tensor codes_;
};

}  // namespace

struct Predictor::State {
  PotentialModel::Network& network;
  Matrix<const double, ExecutionSpace> source_weights, target_weights;
  CodeBook source_codes, target_codes;  ///< pair_encoder
};

Predictor::Predictor(const PotentialModel& model, Matrix<const double, ExecutionSpace> source,
                     Matrix<const double, ExecutionSpace> target,
                     std::span<const std::int32_t> sources, std::span<const std::int32_t> targets)
    : state_(new State{*model.network_, source, target, {}, {}}) {
  auto& network = state_->network;
  if (!network.encodes_pairs()) return;
  const torch::NoGradGuard no_graph;
  if (network.description.shared_measures) {
    state_->source_codes = CodeBook(network, true, source, sources, targets);
    state_->target_codes = state_->source_codes;
  } else {
    state_->source_codes = CodeBook(network, true, source, sources, {});
    state_->target_codes = CodeBook(network, false, target, targets, {});
  }
}

Predictor::Predictor(Predictor&&) noexcept = default;
Predictor::~Predictor() = default;

void Predictor::predict(std::span<const std::int32_t> sources,
                        std::span<const std::int32_t> targets, double epsilon,
                        const Matrix<double, ExecutionSpace>& f) const {
  const torch::NoGradGuard no_graph;
  auto& network = state_->network;
  for (std::size_t first = 0; first < sources.size(); first += at_once) {
    const std::size_t count = std::min<std::size_t>(at_once, sources.size() - first);
    const auto some_sources = sources.subspan(first, count);
    const auto some_targets = targets.subspan(first, count);
    torch::Tensor phi;
    if (network.encodes_pairs())
      phi = network.join(state_->source_codes.of(some_sources),
                         state_->target_codes.of(some_targets));
    else
      phi = network.run(network.inputs(true, state_->source_weights, some_sources),
                        network.inputs(false, state_->target_weights, some_targets));
    const Matrix<const float, ExecutionSpace> values(phi.data_ptr<float>(), count, f.extent(1));
    kernels::learned_initializer<ExecutionSpace>(
        ExecutionSpace(), values, state_->source_weights, upload_indices(some_sources), epsilon,
        Kokkos::subview(f, std::pair(first, first + count), Kokkos::ALL));
  }
}

}  // namespace otfleet
