#pragma once
#include "src/populations/cloud_population.hpp"
#include "src/populations/population_builder.hpp"

namespace otfleet {

/// The measures of a split as clouds, each made to mass 1, without problems. data.test and its like
/// are points: [n, d] of one measure, [n] of one on a line, or [M, n, d]; with groups [N] the
/// points [N, d] of one integer are a measure. Weights are [n] or [M, n], absent: all equal. With
/// data.points [n, d] the data are weights [M, n] on them, and a measure has the points where it
/// has weight. With make.pixels they are images: see build_pixel_clouds(). Throws UserError that
/// names the file and what to do. Local. Memory: 8 bytes a coordinate and a weight.
CloudPopulation build_cloud_measures(const Job& job, Split split);

}  // namespace otfleet
