#pragma once
#include "src/job.hpp"
#include "src/populations/cloud_population.hpp"

namespace otfleet {

/// The measures of make.drifting: make.test_problems clouds a side, of which every
/// make.sequence_length in turn (0: all) are the steps of one motion. A motion begins with points
/// uniform in the unit cube, of equal weights. In every step each point goes make.drifting.step,
/// half of it in one direction that the side keeps for the whole motion, half in a direction of its
/// own, drawn anew. Depends on job.seed alone. Local. Throws UserError where the cost does not take
/// such points.
CloudPopulation build_drifting_clouds(const Job& job);

}  // namespace otfleet
