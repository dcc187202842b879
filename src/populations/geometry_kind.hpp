#pragma once
#include "src/config/choice.hpp"

namespace otfleet {

/// Where the points of a population lie, and where its costs come from: problem.geometry of a job,
/// and the attribute `kind` of a file's /geometry. Not of `clouds`: see Geometry::Kind.
enum class GeometryKind { grid, dense, points, clouds };

template <>
struct Choices<GeometryKind> {
  static constexpr Choice<GeometryKind> list[] = {{"grid", GeometryKind::grid},
                                                  {"dense", GeometryKind::dense},
                                                  {"points", GeometryKind::points},
                                                  {"clouds", GeometryKind::clouds}};
};

}  // namespace otfleet
