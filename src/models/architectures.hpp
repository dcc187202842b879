#pragma once
#include <string>
#include <vector>

#include "src/networks/architectures/architecture.hpp"

namespace otfleet {

/// An architecture as jobs and checkpoints know it; see architectures/list.hpp.
struct ArchitectureEntry {
  const char* name;
  ArchitectureUses uses;
  /// ", quadratic_rank = 1": the options that it reads besides `hidden`, for messages.
  std::string (*text)(const ModelOptions&);
  /// Why it cannot be model.`key` with these options, or empty.
  std::string (*complaint)(const ModelOptions&, const std::string& key);
};

/// The architecture of that name; null: there is none. Local.
const ArchitectureEntry* find_architecture(const std::string& name);

/// What model.architecture may be, or what it may be for one of its uses. Local.
std::vector<std::string> architecture_names();
std::vector<std::string> architecture_names(bool ArchitectureUses::*use);

/// What model.predictor may be. Local.
std::vector<std::string> predictor_names();

/// Lines for `otfleet --keys`. Local.
std::string architecture_doc();
std::string predictor_doc();

}  // namespace otfleet
