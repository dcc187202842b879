#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/job.hpp"
#include "src/populations/population.hpp"

namespace otfleet {

/// Which of the two populations of a job: its data, its number of problems and its random stream.
enum class Split { train, test };

/// Does the job say what the split's measures are? Otherwise there is nothing to build.
bool makes(const Job& job, Split split);

/// A grid of these lengths: the longest axis is linspace(0, 1, length) and the others have the same
/// step, or with `stretch` every axis spans [0, 1].
Geometry square_grid(const std::vector<std::int64_t>& lengths, bool stretch);

/// Reads or draws (make.source_weights, make.target_weights) the measures of a split, normalizes
/// each to mass 1, and pairs them as choose_pairs() does, whose words go to `remark`; what is
/// random depends on (job.seed, split) alone. Arrays that look like color images are no grids
/// unless make.grid says so. Throws UserError that names file and instance. Local. Memory: 8 bytes
/// a weight and a problem.
Population build_population(const Job& job, Split split, std::string* remark = nullptr);
/// The same without problems.
Population build_measures(const Job& job, Split split);

}  // namespace otfleet
