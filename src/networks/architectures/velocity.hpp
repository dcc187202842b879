#pragma once
#include "src/networks/architectures/architecture.hpp"

namespace otfleet {

/// An MLP of a point, the time and the code of a context, whose outputs are the velocity of a flow.
struct Velocity {
  static constexpr const char* name = "velocity";
  static constexpr const char* remark = "";
  static constexpr ArchitectureUses uses = {false, false, false, true};

  static std::string text(const ModelOptions&) { return {}; }
  static std::string complaint(const ModelOptions&, const std::string&) { return {}; }
};

}  // namespace otfleet
