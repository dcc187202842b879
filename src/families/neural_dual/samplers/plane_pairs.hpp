#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "src/families/neural_dual/samplers/sample_sequence.hpp"
#include "src/families/neural_dual/samplers/sampler.hpp"

namespace otfleet {

/// The pairs of distributions on the plane of w2ot (Amos, arXiv 2210.12153), with the constants of
/// its code (w2ot/data.py), which has them from Makkuva et al. 2020 (Gaussians), scikit-learn
/// (circles, moons, s_curve, swiss_roll), Huang et al. 2021 (CP-Flow; rings) and Papamakarios et
/// al. 2017 (maf_moon). Moments of each distribution stand in plane_pairs.cpp.
///
/// | name             | from                                     | to                           |
/// |------------------|------------------------------------------|------------------------------|
/// | eight_gaussians  | a narrow Gaussian at 0                   | eight on a circle of radius 5|
/// | square_gaussians | five: 0 and the corners of a square      | four on the axes             |
/// | circles          | a circle of radius 1                     | one of radius 1/2            |
/// | moons            | the lower half circle                    | the upper one                |
/// | s_curve          | an S, 10 high                            | N(0, I)                      |
/// | swiss_roll       | one and a half turns of a spiral         | N(0, I)                      |
/// | rings            | four concentric circles                  | N(0, I)                      |
/// | maf_moon         | a Gaussian bent into a crescent          | N(0, I)                      |
/// | moon_to_rings    | the crescent                             | the four circles             |
///
/// And those that paths go between, from the code of NLOT (Pooladian et al., arXiv 2406.00288;
/// `strips`, `far_gaussians`, `across`) and of generalized Schrödinger bridges (Liu et al.,
/// arXiv 2310.02233; `neck`, `tunnel`):
///
/// | strips           | [−1.25, −1] × [−1, 1]                    | [1, 1.25] × [−1, 1]          |
/// | far_gaussians    | N(0, I)                                  | eight on a circle, radius 16 |
/// | neck             | N((−7, 0), 0.2 I)                        | N((7, 0), 0.2 I)             |
/// | tunnel           | N((−11, −1), 0.5 I)                      | N((11, 1), 0.5 I)            |
/// | across           | N((−1, 0), 0.09² I)                      | N((1, 0), 0.09² I)           |
std::vector<std::string> pair_names();

/// The pair of that name. Throws UserError: no such pair.
SamplerPair plane_pair(const std::string& name, std::uint64_t seed, std::uint64_t pair_stream,
                       SampleSequence sequence = SampleSequence::random);

}  // namespace otfleet
