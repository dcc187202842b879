#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "src/config/key_list.hpp"

namespace otfleet {

/// A command that a scaling study measures.
enum class ScaledCommand { solve, train };

template <>
struct Choices<ScaledCommand> {
  static constexpr Choice<ScaledCommand> list[] = {{"solve", ScaledCommand::solve},
                                                   {"train", ScaledCommand::train}};
};

/// [scale]
struct ScaleOptions {
  std::vector<std::int64_t> ranks;  // to measure on; empty: 1, 2, 4, … and all there are
  std::vector<ScaledCommand> commands = {ScaledCommand::solve, ScaledCommand::train};
  std::int64_t steps = 50;       // of every training run
  std::int64_t repetitions = 3;  // of every run; the median counts
  std::int64_t predict_ranks = 4096;

  bool measures(ScaledCommand command) const {
    return std::find(commands.begin(), commands.end(), command) != commands.end();
  }
};

void add_keys(KeyList& keys, ScaleOptions& scale);

}  // namespace otfleet
