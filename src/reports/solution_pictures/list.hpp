#pragma once
#include <vector>

#include "src/reports/solution_pictures/picture.hpp"

// All pictures of solutions, each in a file of this folder: a new one is a file and its name here,
// twice.

namespace otfleet::solution_pictures {

const SolutionPicture& matched_shapes();
const SolutionPicture& paired_clusters();
const SolutionPicture& noise_targets();
const SolutionPicture& measure_map();
const SolutionPicture& interpolated_pairs();
const SolutionPicture& transported_points();
const SolutionPicture& interpolated_lines();
const SolutionPicture& barycenter_images();
const SolutionPicture& barycenter_points();
const SolutionPicture& mapped_points();
const SolutionPicture& paths();
const SolutionPicture& certificates();

/// The first that fits is drawn; the last fits every solution.
inline std::vector<const SolutionPicture*> list() {
  return {&matched_shapes(),     &paired_clusters(),
          &noise_targets(),      &measure_map(),
          &interpolated_pairs(), &interpolated_lines(),
          &transported_points(), &barycenter_images(),
          &barycenter_points(),  &paths(),
          &mapped_points(),      &certificates()};
}

}  // namespace otfleet::solution_pictures
