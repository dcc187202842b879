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
};

// LibTorch's side, defined for the files of the models library only.
class PairNetwork;
struct Chain;

}  // namespace otfleet
