#pragma once
#include <cstdint>

#include "src/config/key_list.hpp"

namespace otfleet {

struct Job;

/// [gromov_wasserstein]
struct GromovWassersteinOptions {
  double alpha = 1;           // weight of the distortion; 1 − alpha is that of features
  std::int64_t features = 0;  // the last coordinates of a point
  std::int64_t starts = 1;    // of each problem
};

void add_keys(KeyList& keys, GromovWassersteinOptions& options);

/// What a job of this kind has by default where others differ.
void set_gromov_wasserstein_defaults(Job& job);

}  // namespace otfleet
