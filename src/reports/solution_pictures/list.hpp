#pragma once
#include <vector>

#include "src/reports/solution_pictures/picture.hpp"

// All pictures of solutions, each in a file of this folder: a new one is a file and its name here,
// twice.

namespace otfleet::solution_pictures {

const SolutionPicture& interpolated_pairs();
const SolutionPicture& transported_points();
const SolutionPicture& certificates();

/// The first that fits is drawn; the last fits every solution.
inline std::vector<const SolutionPicture*> list() {
  return {&interpolated_pairs(), &transported_points(), &certificates()};
}

}  // namespace otfleet::solution_pictures
