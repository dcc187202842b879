#pragma once
#include "src/populations/cloud_population.hpp"
#include "src/populations/population_builder.hpp"

namespace otfleet {

/// Gives the problems of clouds, which have their measures and pairs, the contexts that the job has
/// for measures (data.*.contexts, [M] or [M, C], a row for each measure of a side): a problem gets
/// the row of its target. Where the sides have measures of their own, the row of its source comes
/// first, if there is one. Throws UserError that names the file: rows that do not fit, no columns,
/// numbers that are not finite, contexts of a side without measures. Local.
void add_contexts(CloudPopulation& population, const Job& job, Split split);
/// Measures on points that all share have none: build_measures() refuses them.
inline void add_contexts(Population&, const Job&, Split) {}

}  // namespace otfleet
