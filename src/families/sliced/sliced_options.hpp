#pragma once
#include <cstdint>

#include "src/config/key_list.hpp"

namespace otfleet {

struct Job;

/// [sliced]
struct SlicedOptions {
  std::int64_t directions = 64;  // random ones
  std::int64_t starts = 4;       // the best of these, which are improved
  std::int64_t steps = 200;      // at most, of each
};

void add_keys(KeyList& keys, SlicedOptions& options);

/// What a job of this kind has by default where others differ.
void set_sliced_defaults(Job& job);

}  // namespace otfleet
