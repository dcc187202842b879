#pragma once
#include <cstdint>

#include "kernels/solvers/low_rank/settings.hpp"
#include "src/config/key_list.hpp"

namespace otfleet {

struct Job;

template <>
struct Choices<kernels::LowRankObjective> {
  static constexpr Choice<kernels::LowRankObjective> list[] = {
      {"linear", kernels::LowRankObjective::linear},
      {"gromov_wasserstein", kernels::LowRankObjective::gromov_wasserstein}};
};

/// [low_rank]
struct LowRankOptions {
  kernels::LowRankObjective objective = kernels::LowRankObjective::linear;
  std::int64_t rank = 10;
};

void add_keys(KeyList& keys, LowRankOptions& options);

/// What a job of this kind has by default where others differ.
void set_low_rank_defaults(Job& job);

}  // namespace otfleet
