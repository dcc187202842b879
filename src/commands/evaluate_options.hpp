#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/config/key_list.hpp"

namespace otfleet {

/// Starts to compare. Neither names nor all: zeros, gaussian where it fits, and the model if any.
struct StartChoice {
  bool all = false;  ///< that fit
  std::vector<std::string> names = {};
};

/// [evaluate]
struct EvaluateOptions {
  std::vector<double> thresholds = {1e-2, 1e-3, 1e-6};
  StartChoice initializers;
  std::int64_t trace_iterations = 40;  // length of the error curves
  std::int64_t pictures = 4;           // interpolated pairs
  std::int64_t points = 2000;          // neural_dual: samples between which distances are taken
};

void add_keys(KeyList& keys, EvaluateOptions& evaluate);

}  // namespace otfleet
