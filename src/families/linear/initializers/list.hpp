#pragma once
#include <vector>

#include "src/families/linear/initializers/initializer.hpp"

// All initializers, each in a file of this folder: a new one is a file and its name here, twice.

namespace otfleet::initializers {

const Initializer& zeros();
const Initializer& gaussian();
const Initializer& gaussian_mixture();
const Initializer& sorting();
const Initializer& subsample();
const Initializer& previous_epsilon();
const Initializer& previous();
const Initializer& model();

/// In the order of messages, tables and documentation.
inline std::vector<const Initializer*> list() {
  return {&zeros(),     &gaussian(),         &gaussian_mixture(), &sorting(),
          &subsample(), &previous_epsilon(), &previous(),         &model()};
}

}  // namespace otfleet::initializers
