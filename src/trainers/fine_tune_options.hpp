#pragma once
#include <cstdint>

#include "src/config/key_list.hpp"

namespace otfleet {

/// [fine_tune]: of a model on the problems that a solve has, before it begins.
struct FineTuneOptions {
  std::int64_t steps = 0;
  double learning_rate = 1e-4;
  std::int64_t batch = 128;
};

void add_keys(KeyList& keys, FineTuneOptions& fine_tune);

}  // namespace otfleet
