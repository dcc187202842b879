#pragma once
#include <stdexcept>
#include <string>
#include <vector>

#include "src/models/potential_model.hpp"
#include "src/networks/flat_parameters.hpp"
#include "src/networks/libtorch.hpp"

// LibTorch's side of architectures for pairs; included by the files of the models library only.

namespace otfleet {

/// A network from the inputs of pairs of measures, one row for each, to φ.
class PairNetwork {
 public:
  virtual ~PairNetwork() = default;

  /// φ of pairs.
  virtual torch::Tensor run(const torch::Tensor& source_inputs,
                            const torch::Tensor& target_inputs) = 0;
  virtual FlatParameters::Named named_parameters() const = 0;

  /// Whether measures are encoded one by one, so that each needs that once for many pairs. The two
  /// functions below are then there.
  virtual bool encodes() const { return false; }
  /// The codes of measures in both roles, as source, then as target.
  virtual torch::Tensor encode(bool, const torch::Tensor&) { throw std::logic_error("no codes"); }
  /// φ from the codes of sources and targets, each in both roles.
  virtual torch::Tensor join(const torch::Tensor&, const torch::Tensor&) {
    throw std::logic_error("no codes");
  }
};

/// Fully connected layers of the given widths, an activation between them.
inline torch::nn::Sequential layers(const std::vector<std::int64_t>& widths, bool gelu) {
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

/// Widths from the inputs over hidden layers to the outputs.
inline std::vector<std::int64_t> widths_of(std::int64_t in, const std::vector<std::int64_t>& hidden,
                                           std::int64_t out) {
  std::vector<std::int64_t> widths = {in};
  widths.insert(widths.end(), hidden.begin(), hidden.end());
  widths.push_back(out);
  return widths;
}

/// Adds a part's parameters under "prefix.".
template <class Module>
void add_named(FlatParameters::Named& named, const std::string& prefix, const Module& part) {
  for (const auto& item : part->named_parameters())
    named.emplace_back(prefix + "." + item.key(), item.value());
}

}  // namespace otfleet
