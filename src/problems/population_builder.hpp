#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/config/job.hpp"
#include "src/problems/population.hpp"

namespace otfleet {

/// Which of the two populations of a job: its data, its number of problems and its random stream.
enum class Split { train, test };

/// Reads or draws (make.source_weights, make.target_weights) the measures of a split, normalizes
/// each to mass 1, and pairs them as choose_pairs() does, whose words go to `remark`; what is random
/// depends on (job.seed, split) alone. On a grid the axes are linspace(0, 1, length), so that
/// pixels span the unit interval, square or cube from corner to corner. Throws UserError that names
/// file and instance. Local. Memory: 8 bytes a weight and a problem.
Population build_population(const Job& job, Split split, std::string* remark = nullptr);

}  // namespace otfleet
