#pragma once
namespace otfleet::kernels {

/// Whose points are moved.
enum class Projection {
  to_target,  ///< source points, to means of target points
  to_source,  ///< target points, to means of source points
};

}  // namespace otfleet::kernels
