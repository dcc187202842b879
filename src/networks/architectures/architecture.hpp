#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/models/model_options.hpp"

namespace otfleet {

struct ModelDescription;

/// What networks of an architecture can be.
struct ArchitectureUses {
  bool pairs = false;       ///< a potential of every pair of a population's measures
  bool potentials = false;  ///< a potential between two distributions
  bool predictors = false;  ///< a predictor of that potential's conjugate's minimizers
  bool velocities = false;  ///< the velocity of flows, of conditional maps
};

/// "512, 256", for what architectures say: their headers include no fmt, since LibTorch may bring
/// another one along.
inline std::string list_text(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

/// Numbers that a network for pairs of measures takes and gives.
struct PairShape {
  std::int64_t source_inputs = 0, target_inputs = 0, outputs = 0;
};

// LibTorch's side, defined for the files of the models library only.
class PairNetwork;
struct Chain;

}  // namespace otfleet
