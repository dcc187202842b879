#pragma once
#include <vector>

#include "src/families/linear/methods/method.hpp"

// All methods, each in a file of this folder: a new one is a file and its name here, twice.

namespace otfleet::methods {

const Method& sinkhorn();
const Method& newton();
const Method& multiscale();

/// In the order of messages and documentation.
inline std::vector<const Method*> list() {
  return {&sinkhorn(), &newton(), &multiscale()};
}

}  // namespace otfleet::methods
